#include "tools/bench/commands.h"

namespace sluice {

std::vector<Verb> AllBenchCommands() {
  return {
      ForwardCommand(), FlowsCommand(),   RoutesCommand(), RulesCommand(),
      BudgetCommand(),  CompareCommand(), CpsCommand(),
      BudgetCommand(),  CompareCommand(), ExportCommand(), TrendCommand(),
  };
}

}  // namespace sluice
