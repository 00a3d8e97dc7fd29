// libuv's pipe server: a stream of frames, each written by a uv_write of its own.
// --bytes: returns what it has read in one write, without frames. --broadcast: sends each frame to
// all clients.

#include "peer.hpp"

#include <uv.h>

#include <cstdint>
#include <list>
#include <memory>

namespace {

constexpr size_t prefix_size = 4;
constexpr size_t read_size = 64u << 10;

using block = std::shared_ptr<std::vector<char>>;

struct write_request {
  uv_write_t native{};
  block data;
};

struct client {
  uv_pipe_t pipe{};
  /// The beginning of a frame that has not arrived as a whole.
  std::vector<char> unread;
  std::list<client*>::iterator place;
};

std::list<client*> clients;
bool bytes = false;
bool broadcast = false;
std::vector<char> read_buffer(read_size);

void on_written(uv_write_t* native, int) {
  delete reinterpret_cast<write_request*>(native);
}

void write(client& to, block data) {
  auto* request = new write_request;
  request->data = std::move(data);
  auto buffer = uv_buf_init(request->data->data(), static_cast<unsigned>(request->data->size()));
  if (uv_write(&request->native, reinterpret_cast<uv_stream_t*>(&to.pipe), &buffer, 1, on_written)
      != 0)
    delete request;
}

void on_frame(client& from, const char* frame, size_t size) {
  auto data = std::make_shared<std::vector<char>>(frame, frame + size);
  if (!broadcast)
    return write(from, data);
  for (auto* to : clients)
    write(*to, data);
}

/// Handles the whole frames at the beginning of `data`. @returns their length
size_t take_frames(client& from, const char* data, size_t size) {
  size_t taken = 0;
  while (size - taken >= prefix_size) {
    uint32_t length = 0;
    std::memcpy(&length, data + taken, prefix_size);
    if (size - taken < prefix_size + length)
      break;
    on_frame(from, data + taken, prefix_size + length);
    taken += prefix_size + length;
  }
  return taken;
}

void on_data(client& from, const char* data, size_t size) {
  if (bytes)
    return on_frame(from, data, size);
  auto& unread = from.unread;
  if (unread.empty()) {
    auto taken = take_frames(from, data, size);
    unread.assign(data + taken, data + size);
  } else {
    uint32_t length = 0;
    if (unread.size() >= prefix_size)
      std::memcpy(&length, unread.data(), prefix_size);
    unread.reserve(prefix_size + length);
    unread.insert(unread.end(), data, data + size);
    auto taken = take_frames(from, unread.data(), unread.size());
    unread.erase(unread.begin(), unread.begin() + static_cast<ptrdiff_t>(taken));
  }
}

void on_closed(uv_handle_t* handle) {
  auto* self = reinterpret_cast<client*>(handle);
  clients.erase(self->place);
  delete self;
}

void on_allocate(uv_handle_t*, size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(read_buffer.data(), static_cast<unsigned>(read_buffer.size()));
}

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  if (size > 0)
    on_data(*reinterpret_cast<client*>(stream), buffer->base, static_cast<size_t>(size));
  else if (size < 0 && uv_is_closing(reinterpret_cast<uv_handle_t*>(stream)) == 0)
    uv_close(reinterpret_cast<uv_handle_t*>(stream), on_closed);
}

void on_connection(uv_stream_t* server, int status) {
  if (status < 0)
    return;
  auto* self = new client;
  uv_pipe_init(server->loop, &self->pipe, 0);
  self->place = clients.insert(clients.end(), self);
  auto* stream = reinterpret_cast<uv_stream_t*>(&self->pipe);
  if (uv_accept(server, stream) != 0 || uv_read_start(stream, on_allocate, on_read) != 0)
    uv_close(reinterpret_cast<uv_handle_t*>(stream), on_closed);
}

} // namespace

int main(int argc, char** argv) {
  auto args = peer::parse(argc, argv);
  bytes = args.has("--bytes");
  broadcast = args.has("--broadcast");
  auto* loop = uv_default_loop();
  uv_pipe_t server;
  uv_pipe_init(loop, &server, 0);
  unlink(args.path.c_str());
  auto* stream = reinterpret_cast<uv_stream_t*>(&server);
  if (auto err = uv_pipe_bind(&server, args.path.c_str()); err != 0)
    peer::die("uv_pipe_bind", -err);
  if (auto err = uv_listen(stream, 4096, on_connection); err != 0)
    peer::die("uv_listen", -err);
  peer::announce(args.path);
  return uv_run(loop, UV_RUN_DEFAULT);
}
