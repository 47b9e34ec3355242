// A patch as a model writes it: read, applied to a text, never a crash.

#include <cstddef>
#include <cstdint>
#include <string>

#include "workers/tools/patch.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const size_t middle = text.find("*** Begin Patch");
    const std::string content = text.substr(0, middle);
    const auto patches =
        tools::read_patch(middle == std::string::npos ? text : text.substr(middle));
    if (!patches) return 0;
    size_t steps = tools::most_line_steps;
    for (const tools::FilePatch& patch : *patches) (void)tools::patched(content, patch, steps);
    return 0;
}
