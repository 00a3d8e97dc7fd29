#!/usr/bin/env python3
"""Shows that the simulated world finds mistakes: mistakes.py [NAME...]

Plants one mistake after the other in a copy of the library, builds `simulate`, and runs fresh seeds
until one fails, for a minute at most. Prints how many seeds that took; exits 1 if a mistake was not
found. Needs a configured release build in build/; takes minutes for each mistake, most of them to
compile.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60

# (name, file of libpipeactor/, what stands there, what is planted)
MISTAKES = (
    ("a_cookie_of_a_refused_write_is_lost", "actors/pending_operations.cpp",
     "  refused_.push_back({std::move(cookie), std::move(reason)});\n",
     "  if (refused_.size() < 3)\n    refused_.push_back({std::move(cookie), std::move(reason)});\n"),
    ("a_cookie_comes_back_twice", "actors/pending_operations.cpp",
     "    events_.sent(write.cookie);\n",
     "    events_.sent(write.cookie);\n    if (count == 7)\n      events_.sent(write.cookie);\n"),
    ("writes_fail_newest_first", "actors/write_queue.hpp",
     "    auto result = writes_.take_front();\n",
     "    auto result = writes_.extract(writes_.size() > 4 ? 1 : 0);\n"),
    ("the_write_queue_takes_one_too_many", "actors/write_queue.hpp",
     "writes_.size() >= message_limit_", "writes_.size() > message_limit_"),
    ("the_write_queue_forgets_its_bytes", "actors/write_queue.hpp",
     "bytes_ + size > byte_limit_", "size > byte_limit_"),
    ("memory_of_dropped_writes_stays_counted", "actors/write_queue.hpp",
     "    memory_->moved(bytes_, bytes_ - size);\n",
     "    if (index == 0)\n      memory_->moved(bytes_, bytes_ - size);\n"),
    ("reading_is_not_resumed", "actors/read_account.cpp",
     "  memory_->moved(bytes_of(level) + size, bytes_of(level));\n  resume();\n",
     "  memory_->moved(bytes_of(level) + size, bytes_of(level));\n  if (bytes_of(level) != 0)\n"
     "    resume();\n"),
    ("reading_is_not_paused", "actors/read_queue.hpp",
     "    return continuous_ && record_.account->must_pause();\n",
     "    return !continuous_ && record_.account->must_pause();\n"),
    ("a_read_too_many_is_passed_on", "actors/read_queue.hpp",
     "in_port_ < reads_.size() && may_read", "in_port_ <= reads_.size() && may_read"),
    ("a_close_while_a_connection_is_lost_is_forgotten", "actors/connection_actor.cpp",
     "    stays_closed_ = true;\n", "    stays_closed_ = state_ == connection_state::connected;\n"),
    ("a_drain_while_a_connection_is_lost_is_forgotten", "actors/connection_actor.cpp",
     "  closes_after_drain_ = true;\n",
     "  closes_after_drain_ = state_ < connection_state::closing;\n"),
    ("a_lost_connection_keeps_its_reason", "actors/connection_actor.cpp",
     "  reason_ = {};\n  timers_.cancel_own();\n", "  timers_.cancel_own();\n"),
    ("a_write_that_was_sent_is_not_reported", "actors/connection_actor.cpp",
     "  auto bytes = pending_.end_writes(x.count);\n",
     "  auto bytes = pending_.end_writes(x.count > 1 ? x.count - 1 : x.count);\n"),
    ("what_was_written_while_opening_is_not_sent", "actors/connection_actor.cpp",
     "  feed_port();\n  resume_reading();\n", "  resume_reading();\n"),
    ("reading_does_not_begin_again", "actors/connection_actor.cpp",
     "  feed_port();\n  resume_reading();\n",
     "  feed_port();\n  if (pending_.writes().empty())\n    resume_reading();\n"),
    ("reads_that_wait_do_not_end_with_their_connection", "actors/connection_actor.cpp",
     "  pending_.fail_reads(aborted);\n  if (record().outgoing",
     "  if (record().outgoing"),
    ("a_client_that_opens_during_stop_stays", "actors/server_actor.cpp",
     "    pass(mark::client_opened_during_stop);\n    x.connection.async_close();\n",
     "    pass(mark::client_opened_during_stop);\n"),
    ("an_exception_closes_nothing", "actors/connection_actor.cpp",
     "  close(reason);\n  return reason;\n", "  return reason;\n"),
    ("a_broadcast_skips_a_connection", "actors/bridge_connections.cpp",
     "    if (record->coordinator_id == job.coordinator_id\n",
     "    if (record->index != 2 && record->coordinator_id == job.coordinator_id\n"),
    ("a_broadcast_counts_failures_as_sent", "actors/connection_actor.cpp",
     "    tracker->count(false);\n", "    tracker->count(true);\n"),
    ("a_connection_leaves_the_list_of_another", "actors/bridge_connections.cpp",
     "  connections_[record.index]->index = record.index;\n", ""),
    ("a_client_manager_waits_for_later_connections", "actors/client_manager_actor.cpp",
     "    stopper.connections.erase(x.id);\n    if (stopper.connections.empty())",
     "    stopper.connections.erase(x.id);\n    if (stopper.connections.empty() "
     "&& connections_.empty())"),
    ("a_job_is_lost_between_threads", "bridge/completion_bridge.cpp",
     "      inbox_.push_back(std::move(ready));\n",
     "      if (inbox_.size() < 5)\n        inbox_.push_back(std::move(ready));\n"),
    ("timers_of_the_same_time_are_one", "bridge/timer_queue.cpp",
     "  timer_id id{when, ++last_};\n", "  timer_id id{when, last_ += when.time_since_epoch().count() & 1};\n"),
    ("a_fence_is_not_awaited", "actors/event_sink.cpp",
     "  handler_caught_up_ = !handler_;\n", "  handler_caught_up_ = true;\n"),
    ("a_payload_is_not_released", "actors/read_account.cpp",
     "  caf::intrusive_ptr<read_account> self{this, false};\n",
     "  caf::intrusive_ptr<read_account> self{this, size != 42};\n"),
    ("an_abandoned_connection_is_not_closed", "actors/bridge_connections.cpp",
     "  case port::pipe_state::closing:\n    port()->close(record);\n    break;\n",
     "  case port::pipe_state::closing:\n    break;\n"),
)


def check():
    """Ends the program if a mistake cannot be planted: its place was changed."""
    for name, file, old, _ in MISTAKES:
        if (ROOT / "libpipeactor" / file).read_text("utf-8").count(old) != 1:
            sys.exit(f"{name}: its place in {file} is not there, or is there twice")


def found(tree, mistake):
    """Plants a mistake, and returns what the first failing seed reports, or None."""
    name, file, old, new = mistake
    path = tree / "libpipeactor" / file
    right = path.read_text("utf-8")
    path.write_text(right.replace(old, new), "utf-8")
    try:
        subprocess.run(["cmake", "--build", str(tree / "build"), "--target", "simulate",
                        "--parallel", "2"], check=True, stdout=subprocess.PIPE)
        run = subprocess.run([str(tree / "build/bin/simulate"), "--from", "1000000",
                              "--seconds", str(SECONDS), "--first"],
                             stdout=subprocess.PIPE, text=True, check=False)
        return run.stdout.splitlines() if run.returncode else None
    finally:
        path.write_text(right, "utf-8")


def main():
    check()
    chosen = [m for m in MISTAKES if len(sys.argv) == 1 or m[0] in sys.argv]
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for part in ("CMakeLists.txt", "CMakePresets.json", "libpipeactor", "tests"):
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, tree / part)
        subprocess.run(["cmake", "--preset", "release", "-DPIPEACTOR_BUILD_APPS=OFF",
                        "-DPIPEACTOR_BUILD_EXAMPLES=OFF"], cwd=tree, check=True,
                       stdout=subprocess.PIPE)
        for mistake in chosen:
            report = found(tree, mistake)
            # The first seed that fails, and how many were run.
            print(f"{mistake[0]}: {report[0] + '; ' + report[-1] if report else 'NOT FOUND'}",
                  flush=True)
            if not report:
                missed.append(mistake[0])
    print(f"{len(chosen) - len(missed)} of {len(chosen)} planted mistakes found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
