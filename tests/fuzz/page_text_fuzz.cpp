// A web page, whatever its bytes.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "workers/tools/page_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view page(reinterpret_cast<const char*>(data), size);
    (void)tools::page_text(page, tools::PageStyle::markdown);
    (void)tools::page_text(page, tools::PageStyle::text);
    (void)tools::page_title(page);
    return 0;
}
