#include "tools/bench/commands.h"

namespace sluice {

std::vector<Verb> AllBenchCommands() {
  std::vector<Verb> all;
  for (Verb (*command)() : {
           &ForwardCommand,  //
           &FlowsCommand,    //
           &RoutesCommand,   //
           &RulesCommand,    //
           &RivalsCommand,   //
           &CpsCommand,      //
           &UpdateCommand,   //
           &HeroCommand,     //
           &LatencyCommand,  //
           &ScaleCommand,    //
           &BudgetCommand,   //
           &TargetsCommand,  //
           &ReportCommand,   //
           &CompareCommand,  //
           &ExportCommand,   //
           &TrendCommand,    //
       }) {
    all.push_back(command());
  }
  return all;
}

}  // namespace sluice
