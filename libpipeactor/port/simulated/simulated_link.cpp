#include "port/simulated/simulated_link.hpp"

#include <cassert>

namespace pipeactor::port {

void simulated_channel::push(pipe_mode mode, std::string_view data) {
  assert(!writer_ended() && !reader_gone_);
  bytes_ += data.size();
  if (mode == pipe_mode::message)
    pieces_.emplace_back(data);
  else if (!data.empty() && pieces_.empty())
    pieces_.emplace_back(data);
  else if (!data.empty())
    pieces_.back() += data;
}

std::string simulated_channel::pop(pipe_mode mode, size_t limit) {
  assert(!pieces_.empty());
  auto& front = pieces_.front();
  std::string result;
  if (mode == pipe_mode::message || front.size() <= limit) {
    result = std::move(front);
    pieces_.pop_front();
  } else {
    result = front.substr(0, limit);
    front.erase(0, limit);
  }
  bytes_ -= result.size();
  return result;
}

void simulated_channel::end_writing() noexcept {
  if (writer_ == writer_state::writing)
    writer_ = writer_state::ended;
}

void simulated_channel::close_writing(bool reset) noexcept {
  writer_ = reset ? writer_state::reset : writer_state::ended;
}

void simulated_channel::close_reading() noexcept {
  pieces_.clear();
  bytes_ = 0;
  reader_gone_ = true;
}

void simulated_channel::cut() noexcept {
  writer_ = writer_state::reset;
  reader_gone_ = true;
}

void simulated_end::cut() const noexcept {
  in().cut();
  out().cut();
}

void simulated_end::close(bool reset) const noexcept {
  if (in().reader_gone())
    return;
  in().close_reading();
  out().close_writing(reset);
}

} // namespace pipeactor::port
