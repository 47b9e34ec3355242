// Any text with any limits: the pieces keep every rule of chunking.h.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/support/chunk_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    const ChunkLimits limits{data[0] % 120 + 1u, data[1] % 20u,
                             data[2] & 4 ? ChunkMode::newline : ChunkMode::length,
                             static_cast<Measure>(data[2] % 3)};
    const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
    const std::string rule = test::broken_rule(text, limits, chunk_text(text, limits));
    if (rule.empty()) return 0;
    std::fprintf(stderr, "%s\n", rule.c_str());
    std::abort();
}
