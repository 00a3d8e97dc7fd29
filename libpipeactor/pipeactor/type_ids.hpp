#pragma once

// The numbers by which nodes know the types of messages. A type must have its number before it is
// first sent: headers that define one include this.

#include "pipeactor/fwd.hpp"

#include <caf/type_id.hpp>

#include <vector>

// Well above `caf::first_custom_type_id`, where users' own blocks begin.
CAF_BEGIN_TYPE_ID_BLOCK(pipeactor, caf::first_custom_type_id + 800)

  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::payload))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::cookie))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::peer_identity))
  CAF_ADD_TYPE_ID(pipeactor, (pipeactor::named_pipe_connection))
  CAF_ADD_TYPE_ID(pipeactor, (std::vector<pipeactor::named_pipe_connection>))

#define PIPEACTOR_ADD_TYPE_ID(name) CAF_ADD_TYPE_ID(pipeactor, (pipeactor::name))
  PIPEACTOR_EVENTS(PIPEACTOR_ADD_TYPE_ID)
  PIPEACTOR_REQUESTS(PIPEACTOR_ADD_TYPE_ID)
  PIPEACTOR_ANSWERS(PIPEACTOR_ADD_TYPE_ID)
#undef PIPEACTOR_ADD_TYPE_ID

CAF_END_TYPE_ID_BLOCK(pipeactor)
