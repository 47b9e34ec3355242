// The table of methods as a page for readers: ops/methods.md.
#pragma once

#include <string>

namespace gateway {

std::string method_page();

}  // namespace gateway
