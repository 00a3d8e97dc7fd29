#pragma once

#include "port/resolved_access.hpp"

#include <windows.h>

#include <string>
#include <utility>

namespace pipeactor::port {

/// The users who may open a pipe, in the system's form. CreateNamedPipeW copies it.
class security_descriptor {
public:
  security_descriptor() noexcept = default;
  security_descriptor(security_descriptor&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, nullptr)) {}
  security_descriptor& operator=(security_descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~security_descriptor();

  /// Makes the descriptor that sddl_of() spells out.
  static caf::expected<security_descriptor> make(const resolved_access& access);

  PSECURITY_DESCRIPTOR get() const noexcept {
    return descriptor_;
  }

private:
  PSECURITY_DESCRIPTOR descriptor_ = nullptr;
};

/// Returns the descriptor of an access in the Security Descriptor String Format: all rights for the
/// user of this process; those of a client for LocalSystem, for the users and groups that `access`
/// names, and with `everyone` for all users who have logged on; none over the network.
std::string sddl_of(const resolved_access& access);

} // namespace pipeactor::port
