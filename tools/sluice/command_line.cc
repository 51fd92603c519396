#include "tools/sluice/command_line.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sluice {
namespace {

constexpr std::string_view kHelpFlag = "help";

struct ProgramName {
  std::string_view name = "sluice";
  std::string_view summary = "The client of sluiced and the offline toolbox of a Sluice VPC.";
};
ProgramName program;

std::string Name() {
  return std::string(program.name);
}

std::string WithUnderscores(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

gflags::CommandLineFlagInfo FlagOf(std::string_view name) {
  return gflags::GetCommandLineFlagInfoOrDie(std::string(name).c_str());
}

bool IsSwitch(std::string_view name) {
  return FlagOf(name).type == "bool";
}

bool HasFlag(const Verb& verb, std::string_view name) {
  return std::find(verb.flags.begin(), verb.flags.end(), name) != verb.flags.end();
}

// As the contract with users (interface.md) spells it: with underscores, as gflags does, but for
// one. Both spellings of each are read.
std::string ShownFlag(std::string_view name) {
  return name == "idle_after" ? "--idle-after"
         : name.size() == 1   ? "-" + std::string(name)
                              : "--" + std::string(name);
}

// "--idle-after=5" in parts; `name` with underscores.
struct FlagWord {
  std::string name;
  std::optional<std::string> value;
};

FlagWord SplitFlag(std::string_view word) {
  word.remove_prefix(word.substr(0, 2) == "--" ? 2 : 1);
  const size_t equals = word.find('=');
  FlagWord flag;
  flag.name = WithUnderscores(std::string(word.substr(0, equals)));
  if (equals != std::string_view::npos) {
    flag.value = std::string(word.substr(equals + 1));
  }
  return flag;
}

// gflags knows true and false, yes and no; switches are also on and off.
std::string SwitchWord(std::string_view name, const std::string& value) {
  return !IsSwitch(name) ? value : value == "on" ? "true" : value == "off" ? "false" : value;
}

// One flag with its value into gflags and `arguments`; false after a message.
bool Take(const std::string& name, const std::string& value, std::string_view origin,
          Arguments& arguments) {
  if (gflags::SetCommandLineOption(name.c_str(), SwitchWord(name, value).c_str()).empty()) {
    UsageError("\"" + value + "\" is no value for " + std::string(origin) + " (" +
               FlagOf(name).type + ")");
    return false;
  }
  arguments.given[name].push_back(value);
  return true;
}

bool TakeEnvironment(const Verb& verb, Arguments& arguments) {
  for (const std::string_view flag : verb.flags) {
    std::string variable = "SLUICE_" + std::string(flag);
    std::transform(variable.begin(), variable.end(), variable.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const char* value = std::getenv(variable.c_str());
    if (value != nullptr && !arguments.Has(flag) &&
        !Take(std::string(flag), value, variable, arguments)) {
      return false;
    }
  }
  return true;
}

// The flag word at `i`; moves `i` on when its value is the next word.
bool TakeFlag(const Verb& verb, const std::vector<std::string>& words, size_t& i,
              Arguments& arguments) {
  FlagWord flag = SplitFlag(words[i]);
  const std::string shown = words[i].substr(0, words[i].find('='));
  if (!HasFlag(verb, flag.name) && flag.name.substr(0, 2) == "no" && !flag.value &&
      HasFlag(verb, flag.name.substr(2)) && IsSwitch(flag.name.substr(2))) {
    flag = {flag.name.substr(2), "false"};
  }
  if (!HasFlag(verb, flag.name)) {
    UsageError("`" + Name() + " " + std::string(verb.name) + "` has no flag " + shown);
    return false;
  }
  if (!flag.value && IsSwitch(flag.name)) {
    flag.value = "true";
  }
  if (!flag.value) {
    if (++i == words.size()) {
      UsageError(shown + " needs a value");
      return false;
    }
    flag.value = words[i];
  }
  return Take(flag.name, *flag.value, shown, arguments);
}

bool AsksForHelp(const std::vector<std::string>& words) {
  return std::any_of(words.begin(), std::find(words.begin(), words.end(), "--"),
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

const Verb* FindVerb(const std::vector<Verb>& verbs, std::string_view name) {
  const auto found = std::find_if(verbs.begin(), verbs.end(),
                                  [name](const Verb& verb) { return verb.name == name; });
  return found == verbs.end() ? nullptr : &*found;
}

}  // namespace

const std::vector<std::string>& Arguments::All(std::string_view flag) const {
  static const std::vector<std::string> none;
  const auto found = given.find(flag);
  return found == given.end() ? none : found->second;
}

void NameProgram(std::string_view name, std::string_view summary) {
  program = {name, summary};
}

int UsageError(std::string_view what) {
  std::fprintf(stderr, "%s: %.*s\nTry `%s --help`.\n", Name().c_str(),
               static_cast<int>(what.size()), what.data(), Name().c_str());
  return kExitUsage;
}

std::string HelpOf(const Verb& verb) {
  std::string help = "usage: " + Name() + " " + std::string(verb.name);
  if (!verb.synopsis.empty()) {
    help += " " + std::string(verb.synopsis);
  }
  help += "\n\n" + std::string(verb.summary) + "\n";
  if (!verb.text.empty()) {
    help += "\n" + std::string(verb.text) + "\n";
  }
  help += "\nFlags (each also as environment variable SLUICE_<FLAG>):\n";
  for (const std::string_view name : verb.flags) {
    const gflags::CommandLineFlagInfo flag = FlagOf(name);
    help += "  " + ShownFlag(flag.name) + (flag.type == "bool" ? "" : "=…");
    help += "\n      " + flag.description;
    if (!flag.default_value.empty() && flag.type != "bool") {
      help += " (default: " + flag.default_value + ")";
    }
    help += "\n";
  }
  return help + "  --help\n      This text.\n";
}

std::string HelpOf(const std::vector<Verb>& verbs) {
  std::string help = "usage: " + Name() + " VERB [FLAGS] [WORDS]\n\n" +
                     std::string(program.summary) + "\n\nVerbs:\n";
  for (const Verb& verb : verbs) {
    std::string name = "  " + std::string(verb.name);
    name.resize(std::max<size_t>(name.size() + 1, 12), ' ');
    help += name + std::string(verb.summary) + "\n";
  }
  return help +
         "\nExit codes: 0 yes, 1 no or failed, 2 usage. `-j` prints JSON. Every flag is also an\n"
         "environment variable: --config is SLUICE_CONFIG. `" +
         Name() + " VERB --help` says the rest, `" + Name() + " --version` the version.\n";
}

std::optional<Arguments> ParseArguments(const Verb& verb, const std::vector<std::string>& words) {
  Arguments arguments;
  bool only_words = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (only_words || word.size() < 2 || word[0] != '-') {
      arguments.words.push_back(word);
    } else if (word == "--") {
      only_words = true;
    } else if (!TakeFlag(verb, words, i, arguments)) {
      return std::nullopt;
    }
  }
  if (!TakeEnvironment(verb, arguments)) {
    return std::nullopt;
  }
  return arguments;
}

int RunCommandLine(const std::vector<Verb>& verbs, const std::vector<std::string>& words) {
  if (words.empty()) {
    std::fputs(HelpOf(verbs).c_str(), stderr);
    return kExitUsage;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == kHelpFlag) {
    const Verb* asked = words.size() > 1 ? FindVerb(verbs, words[1]) : nullptr;
    std::string help = asked != nullptr ? HelpOf(*asked) : HelpOf(verbs);
    for (size_t i = 0; asked == nullptr && i < verbs.size(); ++i) {
      help += "\n" + HelpOf(verbs[i]);
    }
    std::fputs(help.c_str(), stdout);
    return kExitYes;
  }
  if (words[0] == "--version") {
    std::printf("%s %s\n", Name().c_str(), SLUICE_VERSION);
    return kExitYes;
  }
  const Verb* verb = FindVerb(verbs, words[0]);
  if (verb == nullptr) {
    return UsageError((words[0][0] == '-' ? "a verb comes first, not " : "there is no verb ") +
                      words[0]);
  }
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (AsksForHelp(rest)) {
    std::fputs(HelpOf(*verb).c_str(), stdout);
    return kExitYes;
  }
  const std::optional<Arguments> arguments = ParseArguments(*verb, rest);
  return arguments.has_value() ? verb->run(*arguments) : kExitUsage;
}

}  // namespace sluice
