#include "state/state_file.hpp"

namespace pipehub {

namespace {

/// Removes the entries of one session from changes whose keys begin with its number.
template <class Changes>
void erase_session(Changes& from, uint64_t session) {
  auto first = from.lower_bound({session, {}});
  auto last = first;
  while (last != from.end() && last->first.first == session)
    ++last;
  from.erase(first, last);
}

} // namespace

// -- messages ---------------------------------------------------------------------------------

uint64_t state_file::number_of(const message_ptr& content) {
  auto taken = numbers_.take(content);
  if (taken.changes_file)
    changed_messages_[taken.number] = content;
  return taken.number;
}

void state_file::release(const message_ptr& content) {
  auto released = numbers_.release(content);
  if (released.changes_file)
    changed_messages_[released.number].reset();
}

// -- changes ----------------------------------------------------------------------------------

void state_file::put_session(const session_record& x) {
  session_row row{x, 0};
  auto& will = wills_[x.number];
  auto previous = std::exchange(will, x.will ? x.will->content : nullptr);
  if (will)
    row.will_message = number_of(will);
  if (previous)
    release(previous);
  if (!will)
    wills_.erase(x.number);
  changed_sessions_[x.number] = std::move(row);
}

void state_file::remove_session(uint64_t session) {
  if (auto found = wills_.find(session); found != wills_.end()) {
    release(found->second);
    wills_.erase(found);
  }
  changed_sessions_[session].reset();
  changed_losses_.erase(session);
  erase_session(changed_subscriptions_, session);
  erase_session(changed_received_, session);
}

void state_file::put_lost(uint64_t session, uint64_t lost) {
  changed_losses_[session] = lost;
}

void state_file::put_subscription(uint64_t session, std::string_view filter,
                                  const subscription_options& options) {
  changed_subscriptions_[{session, std::string{filter}}] = options;
}

void state_file::remove_subscription(uint64_t session, std::string_view filter) {
  changed_subscriptions_[{session, std::string{filter}}].reset();
}

void state_file::add_delivery(uint64_t session, const delivery_record& x) {
  changed_deliveries_[{session, x.what.number}] = delivery_row{x, number_of(x.what.content)};
}

void state_file::update_delivery(uint64_t session, const delivery_record& x) {
  auto number = number_of(x.what.content);
  release(x.what.content);
  changed_deliveries_[{session, x.what.number}] = delivery_row{x, number};
}

void state_file::remove_delivery(uint64_t session, const delivery& what) {
  release(what.content);
  changed_deliveries_[{session, what.number}].reset();
}

void state_file::add_received(uint64_t session, uint16_t packet_id) {
  changed_received_[{session, packet_id}] = true;
}

void state_file::remove_received(uint64_t session, uint16_t packet_id) {
  changed_received_[{session, packet_id}] = false;
}

void state_file::retain(std::string_view topic, const message_ptr& content,
                        const message_ptr& previous) {
  auto& row = changed_retained_[std::string{topic}];
  row.reset();
  if (content)
    row = number_of(content);
  if (previous)
    release(previous);
}

bool state_file::has_changes() const {
  return !(changed_sessions_.empty() && changed_losses_.empty() && changed_subscriptions_.empty()
           && changed_deliveries_.empty() && changed_received_.empty() && changed_messages_.empty()
           && changed_retained_.empty());
}

void state_file::clear_changes() {
  changed_sessions_.clear();
  changed_losses_.clear();
  changed_subscriptions_.clear();
  changed_deliveries_.clear();
  changed_received_.clear();
  changed_messages_.clear();
  changed_retained_.clear();
}

} // namespace pipehub
