// Short ways to load a configuration and to ask what was found.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/intent/validated_intent.h"

namespace sluice::testing {

// vpc-a 10.0.0.0/16 with subnet-a 10.0.1.0/24, subnet-b 10.0.2.0/24, igw-a, sg-a, and
// eni-a 10.0.1.10 in subnet-a. Documents may follow one another in one text: a test appends its
// own.
inline constexpr std::string_view kBase = R"({
  "Vpcs": [{"VpcId": "vpc-a", "CidrBlock": "10.0.0.0/16"}],
  "Subnets": [{"SubnetId": "subnet-a", "VpcId": "vpc-a", "CidrBlock": "10.0.1.0/24"},
              {"SubnetId": "subnet-b", "VpcId": "vpc-a", "CidrBlock": "10.0.2.0/24"}],
  "InternetGateways": [{"InternetGatewayId": "igw-a", "Attachments": [{"VpcId": "vpc-a"}]}],
  "SecurityGroups": [{"GroupId": "sg-a", "GroupName": "a", "VpcId": "vpc-a", "IpPermissions": [],
                      "IpPermissionsEgress": []}],
  "NetworkInterfaces": [{"NetworkInterfaceId": "eni-a", "SubnetId": "subnet-a",
                         "PrivateIpAddress": "10.0.1.10"}]
})";

inline ValidationResult Load(std::string_view text, bool enforce_quotas = false) {
  ValidationOptions options;
  options.enforce_quotas = enforce_quotas;
  return LoadIntentText("t.json", text, options);
}
inline ValidationResult LoadWithBase(std::string_view text, bool enforce_quotas = false) {
  return Load(std::string(kBase) + std::string(text), enforce_quotas);
}

// "E path|object|code" or "W …", one a line.
inline std::string Found(const ValidationResult& result) {
  std::string text;
  for (const IntentIssue& issue : result.issues) {
    text += (issue.is_warning ? "W " : "E ") + issue.json_path + "|" + issue.object_id + "|" +
            issue.code + "   " + issue.what + "\n";
  }
  return text;
}

// The findings of one severity whose sentence contains `words`, with path and code as given (empty:
// any).
inline int Count(const ValidationResult& result, bool warnings, std::string_view words,
                 std::string_view path_end = {}, std::string_view code = {}) {
  int count = 0;
  for (const IntentIssue& issue : result.issues) {
    const bool path_fits = issue.json_path.size() >= path_end.size() &&
                           issue.json_path.compare(issue.json_path.size() - path_end.size(),
                                                   path_end.size(), path_end) == 0;
    count += issue.is_warning == warnings && issue.what.find(words) != std::string::npos &&
             path_fits && (code.empty() || issue.code == code);
  }
  return count;
}

}  // namespace sluice::testing

// Exactly one error, and it is this one; nothing is made.
#define EXPECT_REFUSED(result, words, path_end, code)                                    \
  do {                                                                                   \
    const ::sluice::ValidationResult& r = (result);                                      \
    EXPECT_EQ(r.intent, nullptr);                                                        \
    EXPECT_EQ(::sluice::testing::Count(r, false, ""), 1) << ::sluice::testing::Found(r); \
    EXPECT_EQ(::sluice::testing::Count(r, false, words, path_end, code), 1)              \
        << ::sluice::testing::Found(r);                                                  \
  } while (false)

#define EXPECT_LOADS(result) EXPECT_NE((result).intent, nullptr) << ::sluice::testing::Found(result)
