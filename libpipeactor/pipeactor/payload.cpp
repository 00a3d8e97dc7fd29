#include "pipeactor/payload.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace pipeactor::detail {

namespace {

void free_block(payload_block* block) noexcept {
  block->~payload_block();
  std::free(block);
}

struct vector_block : payload_block {
  std::vector<std::byte> bytes;
};

void delete_vector_block(payload_block* block) noexcept {
  delete static_cast<vector_block*>(block);
}

} // namespace

payload_block* allocate_payload_block(size_t size, std::byte*& bytes) {
  auto* memory = std::malloc(sizeof(payload_block) + size);
  if (memory == nullptr)
    throw std::bad_alloc{};
  auto* block = new (memory) payload_block;
  bytes = static_cast<std::byte*>(memory) + sizeof(payload_block);
  block->data = bytes;
  block->size = size;
  block->dispose = free_block;
  return block;
}

payload_block* copy_received(const void* data, size_t size, payload_account* account) {
  std::byte* bytes = nullptr;
  auto* block = allocate_payload_block(size, bytes);
  if (size > 0)
    std::memcpy(bytes, data, size);
  block->charge(account);
  return block;
}

void destroy_payload_block(payload_block* block) noexcept {
  auto* account = block->account;
  auto size = block->size;
  block->dispose(block);
  if (account != nullptr)
    account->payload_released(size);
}

} // namespace pipeactor::detail

namespace pipeactor {

payload::payload(std::vector<std::byte> bytes) {
  if (bytes.empty())
    return;
  auto* block = new detail::vector_block;
  block->bytes = std::move(bytes);
  block->data = block->bytes.data();
  block->size = block->bytes.size();
  block->dispose = detail::delete_vector_block;
  block_ = block;
}

payload payload::copy_of(const void* data, size_t size) {
  if (size == 0)
    return {};
  std::byte* bytes = nullptr;
  auto* block = detail::allocate_payload_block(size, bytes);
  std::memcpy(bytes, data, size);
  return payload{block};
}

} // namespace pipeactor
