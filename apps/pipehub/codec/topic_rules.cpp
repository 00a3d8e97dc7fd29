#include "codec/topic_rules.hpp"

namespace pipehub::mqtt {

namespace {

constexpr std::string_view share_prefix = "$share/";

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

} // namespace

bool has_wildcard(std::string_view topic) {
  return topic.find_first_of("+#") != topic.npos;
}

std::optional<protocol_error> check_filter(std::string_view filter) {
  if (filter.empty())
    return protocol_error{reason::topic_filter_invalid, "MQTT-4.7.3-1", "a topic filter is empty"};
  for (auto at = filter.find_first_of("+#"); at != filter.npos;
       at = filter.find_first_of("+#", at + 1)) {
    auto level_starts = at == 0 || filter[at - 1] == '/';
    auto is_last = at + 1 == filter.size();
    if (filter[at] == '#' && !(level_starts && is_last))
      return protocol_error{reason::topic_filter_invalid, "MQTT-4.7.1-2",
                            "a # is not the whole of the topic filter's last level"};
    if (filter[at] == '+' && !(level_starts && (is_last || filter[at + 1] == '/')))
      return protocol_error{reason::topic_filter_invalid, "MQTT-4.7.1-3",
                            "a + is not the whole of a level of the topic filter"};
  }
  return {};
}

std::optional<protocol_error> check_shared(std::string_view filter) {
  auto rest = filter.substr(share_prefix.size());
  auto name = rest.substr(0, rest.find('/'));
  if (name.empty() || has_wildcard(name))
    return protocol_error{reason::topic_filter_invalid, "MQTT-4.8.2-1",
                          "the name of a share is empty, or has a wildcard in it"};
  if (name.size() + 1 >= rest.size())
    return protocol_error{reason::topic_filter_invalid, "MQTT-4.8.2-2",
                          "no topic filter follows the name of a share"};
  return check_filter(rest.substr(name.size() + 1));
}

shared_filter split_shared(std::string_view filter) {
  if (!starts_with(filter, share_prefix) || check_shared(filter))
    return {{}, filter};
  auto rest = filter.substr(share_prefix.size());
  auto slash = rest.find('/');
  return {rest.substr(0, slash), rest.substr(slash + 1)};
}

} // namespace pipehub::mqtt
