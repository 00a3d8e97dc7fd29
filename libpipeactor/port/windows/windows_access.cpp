#include "port/windows/windows_access.hpp"

#include "port/windows/windows_error.hpp"
#include "port/windows/windows_identity.hpp"

#include <sddl.h>

namespace pipeactor::port {

namespace {

/// All of a pipe's rights except the one to make instances, which is FILE_APPEND_DATA
/// (Named Pipe Security and Access Rights; GENERIC_WRITE would include it).
constexpr const char* client_rights = "0x12019b";

std::string allow(const std::string& rights, const std::string& who) {
  return "(A;;" + rights + ";;;" + who + ")";
}

} // namespace

security_descriptor::~security_descriptor() {
  if (descriptor_ != nullptr)
    LocalFree(descriptor_);
}

caf::expected<security_descriptor> security_descriptor::make(const resolved_access& access) {
  auto text = sddl_of(access);
  security_descriptor result;
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorA(text.c_str(), SDDL_REVISION_1,
                                                            &result.descriptor_, nullptr))
    return windows_error(GetLastError(), "cannot make the security descriptor " + text);
  return result;
}

std::string sddl_of(const resolved_access& access) {
  // Protected from inheritance. Network logons (NU) are denied before anybody is allowed. The
  // user of this process makes the instances and so needs all rights.
  auto& self = current_process().sid;
  auto result = "D:P(D;;FA;;;NU)" + allow("FA", self) + allow(client_rights, "SY");
  if (access.kind == pipe_access::kind::everyone)
    result += allow(client_rights, "AU");
  for (auto* sids : {&access.sids, &access.group_sids})
    for (auto& sid : *sids)
      if (sid != self)
        result += allow(client_rights, sid);
  return result;
}

} // namespace pipeactor::port
