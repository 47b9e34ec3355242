// A model's answer: the parser of event streams, then the interpreter of each API.
//
// The first byte decides how the rest is split; the result must not depend on it.

#include <cstdint>
#include <cstdlib>

#include "tests/workers/agent/providers/model_for_test.h"
#include "workers/agent/providers/failures.h"

namespace {

void require(bool ok) {
    if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    for (const agent::Api api : agent::every_api) {
        const agent::Model model = agent::model_for_test(api);
        const agent::ReadStream whole = agent::read_stream(model, bytes);
        const agent::ReadStream split = agent::read_stream(model, bytes, 1 + data[0] % 16);
        require(whole.interpreter->is_over() && split.interpreter->is_over());
        require(static_cast<bool>(whole.fed) == static_cast<bool>(split.fed));
        require(whole.text() == split.text());
        if (!whole.interpreter->failure()) {
            require(print_json(whole.message()) == print_json(split.message()));
        }
    }
    const auto wait = agent::retry_after_of(bytes, bytes, 0);
    require(wait >= std::chrono::milliseconds{0} && wait <= std::chrono::hours{24});
    (void)agent::failure_of_answer(400, bytes, wait);
    return 0;
}
