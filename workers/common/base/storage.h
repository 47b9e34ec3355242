// Writing to the volume, and what it means when that fails.
#pragma once

#include <string>
#include <string_view>

#include "workers/common/base/fd.h"
#include "workers/common/base/result.h"

// As system_error(), of Fault::no_storage where there is no room or the volume cannot be written.
Error storage_error(const std::string& what, int error_number);

// All of it, however often it takes; `path` is for the message. What was written stays when the
// rest fails.
Done write_all(const Fd& file, std::string_view text, const std::string& path);
