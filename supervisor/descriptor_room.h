// Keeps enough descriptors back for the workers there are: one that dies must find what its
// successor needs, and a planner must be able to answer, however many more are wanted.
#pragma once

#include <cstddef>
#include <string>

#include "workers/common/base/result.h"

namespace supervisor {

// Whether one more can be served beside so many; an error names the numbers.
Done room_for_worker(const std::string& name, size_t workers);

}  // namespace supervisor
