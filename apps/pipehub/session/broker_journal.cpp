#include "session/broker.hpp"

#include <algorithm>

namespace pipehub {

using namespace mqtt;

namespace {

/// How long after a failed attempt the journal is written again.
constexpr std::chrono::seconds time_to_retry{1};

} // namespace

// -- changes ----------------------------------------------------------------------------------

void broker::save(session& which) {
  if (journal_ == nullptr)
    return;
  // A will is published after the end of the hub, too, as the session ends by it.
  if (which.expiry_interval == 0 && !which.will)
    return unsave(which);
  if (which.number == 0)
    which.number = ++last_session_;
  if (which.expiry_interval != 0)
    which.messages.keep_in(*journal_, which.number);
  session_record record;
  record.number = which.number;
  record.client_id = which.client_id;
  record.user = which.user;
  record.expiry_interval = which.expiry_interval;
  record.is_connected = which.connection != nullptr;
  record.expiry = which.expiry.time();
  record.will_time = which.will_delay.time();
  record.will = which.will;
  journal_->put_session(record);
}

void broker::unsave(session& which) {
  if (which.number == 0)
    return;
  which.messages.leave_journal();
  journal_->remove_session(which.number);
  which.number = 0;
}

void broker::add_received(session& who, uint16_t packet_id) {
  who.received.insert(packet_id);
  if (who.is_kept())
    journal_->add_received(who.number, packet_id);
}

bool broker::remove_received(session& who, uint16_t packet_id) {
  if (who.received.erase(packet_id) == 0)
    return false;
  if (who.is_kept())
    journal_->remove_received(who.number, packet_id);
  return true;
}

// -- the end of a turn ------------------------------------------------------------------------

bool broker::commit(time_point now) {
  if (journal_ == nullptr || !journal_->has_changes())
    return true;
  if (retry_.is_set())
    return false;
  is_failing_ = !journal_->commit();
  if (is_failing_)
    retry_.set(deadlines_, now + time_to_retry);
  return !is_failing_;
}

void broker::break_promises(time_point now) {
  // Ends of connections make more packets, also for connections that were looked at before.
  for (auto again = true; again;) {
    again = false;
    for (size_t index = 0; index < context_.dirty.size(); ++index) {
      auto& which = *context_.dirty[index];
      if (!which.promises())
        continue;
      which.take_back();
      break_connection(which, now);
      settle(now);
      again = true;
    }
  }
}

void broker::break_connection(link& which, time_point now) {
  auto* who = which.session;
  if (which.has_written() || who == nullptr)
    return disconnect(which, reason::quota_exceeded, cannot_keep, now);
  // It waits for CONNACK: as if it had not been accepted.
  connack refusal;
  refusal.code = which.is_v5() ? static_cast<uint8_t>(reason::quota_exceeded)
                               : static_cast<uint8_t>(connect_return::server_unavailable);
  which.send(refusal);
  which.close(farewell::told);
  who->will.reset();
  detach(*who, now);
}

// -- the beginning ----------------------------------------------------------------------------

void broker::restore(saved_state state, time_point now) {
  for (auto& content : state.retained)
    retained_.set(content->topic(), content);
  std::vector<session*> connected;
  for (auto& from : state.sessions) {
    auto& restored = restore_session(from);
    if (from.about.is_connected)
      connected.push_back(&restored);
  }
  // Their connections have ended with the hub. Wills find all subscriptions.
  for (auto* who : connected)
    detach(*who, now);
}

session& broker::restore_session(const saved_session& from) {
  auto& about = from.about;
  auto& who = make_session(about.user, about.client_id);
  last_session_ = std::max(last_session_, about.number);
  who.number = about.number;
  who.expiry_interval = about.expiry_interval;
  who.will = about.will;
  if (about.expiry)
    who.expiry.set(deadlines_, *about.expiry);
  if (about.will_time)
    who.will_delay.set(deadlines_, *about.will_time);
  for (auto& [filter, options] : from.subscriptions)
    subscriptions_.subscribe(filter, &who, options);
  who.subscriptions = from.subscriptions;
  who.received = from.received;
  who.messages.tells_losses = who.wants_losses();
  who.messages.keep_in(*journal_, about.number);
  who.messages.restore_lost(about.lost);
  for (auto& x : from.messages)
    who.messages.restore(x);
  return who;
}

} // namespace pipehub
