// The command line of `sluice` and `sluice-bench`: a verb, its flags and its words. gflags holds
// the flags' names, types, defaults and descriptions; this says which verb has which, takes values
// from the environment, and turns every mistake into usage and exit code 2. Main thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

inline constexpr int kExitYes = 0;
inline constexpr int kExitNo = 1;
inline constexpr int kExitUsage = 2;

// What was given beside the flags that gflags holds.
struct Arguments {
  std::vector<std::string> words;  // behind the verb, without flags
  std::map<std::string, std::vector<std::string>, std::less<>> given;  // flag -> values, in order

  bool Has(std::string_view flag) const { return given.find(flag) != given.end(); }
  const std::vector<std::string>& All(std::string_view flag) const;
};

struct Verb {
  std::string_view name;
  std::string_view synopsis;            // what follows the name
  std::string_view summary;             // one line
  std::string_view text;                // more, for --help; may be empty
  std::vector<std::string_view> flags;  // names in gflags, in the order of the help
  int (*run)(const Arguments&);
};

// Whose command line it is; `sluice` unless said, before anything below. Both outlive the process.
void NameProgram(std::string_view name, std::string_view summary);

// Prints `what` and how to get help to stderr. Always kExitUsage.
int UsageError(std::string_view what);

std::string HelpOf(const std::vector<Verb>& verbs);
std::string HelpOf(const Verb& verb);

// Sets the verb's gflags from `words` (flags and words behind the verb) and from SLUICE_<FLAG>
// where a flag is not given. Nothing, after a message on stderr, when the line is wrong.
std::optional<Arguments> ParseArguments(const Verb& verb, const std::vector<std::string>& words);

// Runs one command line, without the program's name; returns the exit code.
int RunCommandLine(const std::vector<Verb>& verbs, const std::vector<std::string>& words);

}  // namespace sluice
