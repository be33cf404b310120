#include "tests/faults/town.h"

namespace evenkeel::faults {
namespace {

void some_files(Town& town) {
  town.meet(5);
  town.put("a", 2);
  town.put("b", 3);
  town.put("c", 3);
}

}  // namespace

std::vector<Story> stories() {
  return {
      {"the_first_hour", [](Town& town) { some_files(town); }},
      {"a_server_dies",
       [](Town& town) {
         some_files(town);
         town.die(1);
         town.live(5);
       }},
      {"a_server_dies_and_returns",
       [](Town& town) {
         some_files(town);
         town.die(1);
         town.live(4);
         town.come_back(1);
         town.live(3);
       }},
      {"two_die_one_after_the_other",
       [](Town& town) {
         some_files(town);
         town.die(1);
         town.live(4);
         town.die(2);
         town.live(4);
       }},
      {"a_disk_is_replaced",
       [](Town& town) {
         some_files(town);
         town.wipe(2);
         town.live(3);
       }},
      {"a_file_is_deleted",
       [](Town& town) {
         some_files(town);
         town.remove("b");
         town.live(7);
       }},
      {"a_goal_is_lowered",
       [](Town& town) {
         some_files(town);
         town.set_goal("b", 1);
         town.live(4);
       }},
      {"a_goal_is_raised",
       [](Town& town) {
         some_files(town);
         town.set_goal("a", 4);
         town.live(4);
       }},
      {"a_replica_rots",
       [](Town& town) {
         some_files(town);
         town.damage(1, 0);
         town.damage(2, 1);
         town.live(5);
       }},
      {"a_file_goes_behind_its_agent",
       [](Town& town) {
         some_files(town);
         town.lose_file(3, 0);
         town.live(4);
       }},
      {"a_server_is_drained",
       [](Town& town) {
         some_files(town);
         town.ask_until_answered(DrainServer{ServerId(2), false, {false, true}});
         town.live(5);
         town.ask_until_answered(UndrainServer{ServerId(2)});
         town.live(2);
       }},
      {"the_rebalancer_restarts_in_between",
       [](Town& town) {
         some_files(town);
         town.die(1);
         town.live(3);
         town.act_unheard();
         town.restart_rebalancer();
         town.live(3);
       }},
      {"agents_restart_in_between",
       [](Town& town) {
         some_files(town);
         town.set_goal("c", 1);
         town.live(2);
         town.act_unheard();
         for (std::uint64_t server = 1; server <= 5; ++server) town.restart_agent(server);
         town.live(3);
       }},
      {"a_loss_during_maintenance",
       [](Town& town) {
         some_files(town);
         town.ask_until_answered(MaintainServer{ServerId(3), Duration(60'000), {false, true}});
         town.live(2);
         town.die(1);
         town.live(4);
         town.ask_until_answered(MaintainServer{ServerId(3), Duration(0), {}});
         town.live(2);
       }},
      {"all_at_once",
       [](Town& town) {
         some_files(town);
         town.put("d", 2);
         town.die(4);
         town.remove("a");
         town.damage(1, 0);
         town.live(4);
         town.come_back(4);
         town.set_goal("d", 3);
         town.live(3);
       }},
  };
}

}  // namespace evenkeel::faults
