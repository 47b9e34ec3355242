#include "workers/common/base/board_page.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <boost/interprocess/file_mapping.hpp>
#include <cerrno>
#include <cstring>

namespace {

constexpr size_t words_per_text = BoardPage::longest_text / 8;
constexpr size_t counters = static_cast<size_t>(Counter::count_);

using Word = std::atomic<uint64_t>;
static_assert(Word::is_always_lock_free, "a page must hold no lock");

}  // namespace

struct BoardPage::Layout {
    struct Text {
        Word length;
        Word words[words_per_text];
    };
    Word beat;
    Word counters_[counters];
    // Even: texts[(sequence / 2) % 2] is complete. Odd: the other one is being written.
    Word sequence;
    Text texts[2];
};

Result<Fd> BoardPage::create(const std::string& name) {
    static_assert(sizeof(Layout) <= BoardPage::size);
    Fd page(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!page) return system_error("cannot create the status page of " + name, errno);
    if (ftruncate(page.get(), size) != 0)
        return system_error("cannot size the status page of " + name, errno);
    fcntl(page.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    return page;
}

Result<BoardPage> BoardPage::map(int descriptor, bool writable) {
    namespace ipc = boost::interprocess;
    const auto mode = writable ? ipc::read_write : ipc::read_only;
    try {
        const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
        const ipc::file_mapping file(path.c_str(), mode);
        return BoardPage(ipc::mapped_region(file, mode, 0, size));
    } catch (const ipc::interprocess_exception& failure) {
        return Error{Fault::system, std::string("cannot map a status page: ") + failure.what(),
                     failure.get_native_error()};
    }
}

BoardPage::Layout& BoardPage::layout() const {
    return *static_cast<Layout*>(region_.get_address());
}

void BoardPage::beat(int64_t monotonic_milliseconds) {
    layout().beat.store(static_cast<uint64_t>(monotonic_milliseconds), std::memory_order_release);
}

void BoardPage::add(Counter counter, int64_t amount) {
    layout().counters_[static_cast<size_t>(counter)].fetch_add(static_cast<uint64_t>(amount),
                                                               std::memory_order_relaxed);
}

void BoardPage::set(Counter counter, int64_t value) {
    layout().counters_[static_cast<size_t>(counter)].store(static_cast<uint64_t>(value),
                                                           std::memory_order_relaxed);
}

void BoardPage::set_text(std::string_view text) {
    text = text.substr(0, longest_text);
    Layout& page = layout();
    // A predecessor killed in mid-write left the sequence odd; the half-written buffer is reused.
    const uint64_t before = page.sequence.load(std::memory_order_relaxed) & ~uint64_t{1};
    page.sequence.store(before + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    Layout::Text& target = page.texts[(before / 2 + 1) % 2];
    for (size_t i = 0; i < words_per_text; ++i) {
        uint64_t word = 0;
        if (i * 8 < text.size())
            std::memcpy(&word, text.data() + i * 8, std::min<size_t>(8, text.size() - i * 8));
        target.words[i].store(word, std::memory_order_relaxed);
    }
    target.length.store(text.size(), std::memory_order_relaxed);
    page.sequence.store(before + 2, std::memory_order_release);
}

int64_t BoardPage::last_beat() const {
    return static_cast<int64_t>(layout().beat.load(std::memory_order_acquire));
}

int64_t BoardPage::get(Counter counter) const {
    return static_cast<int64_t>(
        layout().counters_[static_cast<size_t>(counter)].load(std::memory_order_relaxed));
}

std::string BoardPage::text() const {
    const Layout& page = layout();
    // Bounded: a writer that never rests, or a hostile one, must not hold the reader.
    for (int attempt = 0; attempt < 8; ++attempt) {
        const uint64_t before = page.sequence.load(std::memory_order_acquire) & ~uint64_t{1};
        const Layout::Text& source = page.texts[(before / 2) % 2];
        const uint64_t length = source.length.load(std::memory_order_relaxed);
        std::string text(words_per_text * 8, '\0');
        for (size_t i = 0; i < words_per_text; ++i) {
            const uint64_t word = source.words[i].load(std::memory_order_relaxed);
            std::memcpy(text.data() + i * 8, &word, 8);
        }
        std::atomic_thread_fence(std::memory_order_acquire);
        // The buffer read is overwritten only by the second write after `before`.
        const uint64_t after = page.sequence.load(std::memory_order_relaxed);
        if (after >= before + 3) continue;
        text.resize(std::min<uint64_t>(length, longest_text));
        return text;
    }
    return {};
}

void BoardPage::clear() {
    std::memset(region_.get_address(), 0, size);
}
