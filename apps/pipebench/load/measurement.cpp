#include "measurement.hpp"

namespace pipebench {

nlohmann::json measurement::figures(const faults& seen) const {
  auto seconds = static_cast<double>(now_ns() - begin_) / 1e9;
  auto own_end = usage_of(getpid());
  auto server_end = usage_of(options_.server);
  auto messages = static_cast<double>(latencies_.total());
  auto server_cpu = server_end.cpu_seconds - server_begin_.cpu_seconds;
  auto faulty = stalled_ || messages == 0 || seen.out_of_order + seen.damaged + seen.not_sent > 0
                || seen.connections_lost > 0;
  return {
    {"messages", latencies_.total()},
    {"seconds", seconds},
    {"messages_per_second", messages / seconds},
    {"p50_us", latencies_.quantile_us(0.5)},
    {"p90_us", latencies_.quantile_us(0.9)},
    {"p99_us", latencies_.quantile_us(0.99)},
    {"p999_us", latencies_.quantile_us(0.999)},
    {"load_cores", (own_end.cpu_seconds - own_begin_.cpu_seconds) / seconds},
    {"server_cores", server_cpu / seconds},
    {"server_cpu_us_per_message", messages > 0 ? server_cpu * 1e6 / messages : 0},
    {"server_context_switches", server_end.context_switches - server_begin_.context_switches},
    {"faulty", faulty},
    {"faults",
     {{"out_of_order", seen.out_of_order},
      {"damaged", seen.damaged},
      {"not_sent", seen.not_sent},
      {"connections_lost", seen.connections_lost},
      {"stalled", stalled_}}},
  };
}

} // namespace pipebench
