#include "tools/bench/commands.h"

namespace sluice {

std::vector<Verb> MeasuringCommands() {
  return {
      ForwardCommand(),  //
      FlowsCommand(),    //
      RoutesCommand(),   //
      RulesCommand(),    //
      RivalsCommand(),   //
      CpsCommand(),      //
      UpdateCommand(),   //
      HeroCommand(),     //
      LatencyCommand(),  //
      ScaleCommand(),    //
  };
}

std::vector<Verb> AllBenchCommands() {
  std::vector<Verb> all = MeasuringCommands();
  for (const Verb& other : {
           BudgetCommand(),   //
           TargetsCommand(),  //
           ReportCommand(),   //
           CompareCommand(),  //
           ExportCommand(),   //
           TrendCommand(),    //
       }) {
    all.push_back(other);
  }
  return all;
}

}  // namespace sluice
