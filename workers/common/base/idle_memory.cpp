#include "workers/common/base/idle_memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>

namespace {

// Of the program or of a library: what is mapped as code or constants and never written.
[[maybe_unused]] int release_file_pages(dl_phdr_info* info, size_t, void*) {
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    for (int index = 0; index < info->dlpi_phnum; ++index) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[index];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W)) continue;
        const uintptr_t begin = (info->dlpi_addr + segment.p_vaddr) & ~(page - 1);
        const uintptr_t end = info->dlpi_addr + segment.p_vaddr + segment.p_memsz;
        madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
}

}  // namespace

long page_faults() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return used.ru_minflt;
}

void release_idle_memory() {
    malloc_trim(0);
#if !defined(__SANITIZE_ADDRESS__)  // the build to debug: breakpoints are written into the code
    dl_iterate_phdr(release_file_pages, nullptr);
#endif
}
