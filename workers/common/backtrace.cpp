#include "workers/common/backtrace.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstring>

namespace {

// With a sanitizer the other signals are its own to report.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

struct SignalRow {
    int number;
    std::string_view name;
    bool has_address;
    bool under_sanitizers;
};
constexpr SignalRow signals[] = {
    // number  name      address  with a sanitizer
    {SIGABRT, "SIGABRT", false, true}, {SIGSEGV, "SIGSEGV", true, false},
    {SIGBUS, "SIGBUS", true, false},   {SIGFPE, "SIGFPE", true, false},
    {SIGILL, "SIGILL", true, false},
};

constexpr int most_frames = 48;
constexpr unsigned patience_s = 1;

// A stack that overflowed cannot hold the handler. Costs nothing until it is used.
alignas(16) char signal_stack[64 * 1024];

// What the handler needs and could not safely find out.
struct Program {
    int file = -1;
    uintptr_t bias = 0;  // of its addresses to those in the file
    uintptr_t begin = 0;
    uintptr_t end = 0;
    volatile sig_atomic_t dying = 0;
};
Program program;

// One line, written at once, so that the lines of other processes cannot get between.
class Line {
  public:
    Line& text(std::string_view words) {
        const size_t count = std::min(words.size(), sizeof buffer_ - 1 - used_);
        std::memcpy(buffer_ + used_, words.data(), count);
        used_ += count;
        return *this;
    }
    Line& number(uint64_t value, unsigned base) {
        char digits[20];
        size_t count = 0;
        do {
            digits[sizeof digits - ++count] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value > 0);
        return text({digits + sizeof digits - count, count});
    }
    Line& address(uint64_t value) { return text("0x").number(value, 16); }
    void end() {
        buffer_[used_++] = '\n';
        for (size_t sent = 0; sent < used_;) {
            const ssize_t count = ::write(STDERR_FILENO, buffer_ + sent, used_ - sent);
            if (count <= 0) break;
            sent += static_cast<size_t>(count);
        }
        used_ = 0;
    }

  private:
    char buffer_[512];
    size_t used_ = 0;
};

// The symbol table of our own file: local functions stand in no other, and it is not loaded.
class Symbols {
  public:
    explicit Symbols(int file) {
        struct stat info {};
        if (file < 0 || ::fstat(file, &info) != 0 || info.st_size <= 0) return;
        size_ = static_cast<size_t>(info.st_size);
        void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
        if (mapped == MAP_FAILED) return;
        bytes_ = static_cast<const char*>(mapped);
        find_tables();
    }

    // The function at that address of the file; empty when none is known.
    std::string_view at(uintptr_t address, uintptr_t& offset) const {
        for (size_t index = 0; index < count_; ++index) {
            const ElfW(Sym)& symbol = symbols_[index];
            if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || address < symbol.st_value ||
                address - symbol.st_value >= symbol.st_size || symbol.st_name >= names_size_)
                continue;
            offset = address - symbol.st_value;
            const char* name = names_ + symbol.st_name;
            return {name, ::strnlen(name, names_size_ - symbol.st_name)};
        }
        return {};
    }

  private:
    template <typename T>
    const T* part(uint64_t offset, uint64_t bytes) const {
        if (offset > size_ || bytes > size_ - offset || offset % alignof(T) != 0) return nullptr;
        return reinterpret_cast<const T*>(bytes_ + offset);
    }

    void find_tables() {
        const auto* header = part<ElfW(Ehdr)>(0, sizeof(ElfW(Ehdr)));
        if (!header || header->e_shentsize != sizeof(ElfW(Shdr))) return;
        const auto* sections =
            part<ElfW(Shdr)>(header->e_shoff, uint64_t{header->e_shnum} * sizeof(ElfW(Shdr)));
        if (!sections) return;
        for (unsigned index = 0; index < header->e_shnum; ++index) {
            const ElfW(Shdr)& table = sections[index];
            if (table.sh_type != SHT_SYMTAB || table.sh_link >= header->e_shnum) continue;
            const ElfW(Shdr)& names = sections[table.sh_link];
            symbols_ = part<ElfW(Sym)>(table.sh_offset, table.sh_size);
            names_ = part<char>(names.sh_offset, names.sh_size);
            if (!symbols_ || !names_) return;
            count_ = table.sh_size / sizeof(ElfW(Sym));
            names_size_ = names.sh_size;
            return;
        }
    }

    const char* bytes_ = nullptr;
    size_t size_ = 0;
    const ElfW(Sym) * symbols_ = nullptr;
    size_t count_ = 0;
    const char* names_ = nullptr;
    size_t names_size_ = 0;
};

struct Calls {
    uintptr_t at[most_frames];
    int count = 0;
};

// Not backtrace(): that loads libgcc_s and with it memory into every worker; the unwinder for
// exceptions is in the program. It finds its tables without a lock (_dl_find_object).
_Unwind_Reason_Code add_call(_Unwind_Context* context, void* into) {
    auto& calls = *static_cast<Calls*>(into);
    int before_instruction = 0;
    const uintptr_t address = _Unwind_GetIPInfo(context, &before_instruction);
    if (address == 0 || calls.count == most_frames) return _URC_END_OF_STACK;
    // A return address may already belong to the next function.
    calls.at[calls.count++] = before_instruction ? address : address - 1;
    return _URC_NO_REASON;
}

uintptr_t interrupted_at(const void* context) {
    const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return static_cast<uintptr_t>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
    return static_cast<uintptr_t>(machine.pc);
#endif
}

void say_function(Line& line, std::string_view name, uintptr_t offset) {
    char room[256];
    line.text(readable_symbol(name, room, sizeof room)).text(" + ").address(offset);
}

void say_call(Line& line, const Symbols& symbols, uintptr_t address) {
    if (address >= program.begin && address < program.end) {
        const uintptr_t in_file = address - program.bias;
        uintptr_t offset = 0;
        const std::string_view name = symbols.at(in_file, offset);
        if (!name.empty()) return say_function(line, name, offset);
        line.text("the program + ").address(in_file);
        return;
    }
    Dl_info library{};
    if (::dladdr(reinterpret_cast<void*>(address), &library) == 0 || !library.dli_fname) {
        line.address(address);
        return;
    }
    const std::string_view path = library.dli_fname;
    if (library.dli_sname)
        say_function(line, library.dli_sname,
                     address - reinterpret_cast<uintptr_t>(library.dli_saddr));
    else
        line.address(address - reinterpret_cast<uintptr_t>(library.dli_fbase));
    line.text(" in ").text(path.substr(path.rfind('/') + 1));
}

void say_why(Line& line, const SignalRow& row, const siginfo_t& info) {
    const bool from_outside = info.si_code == SI_USER;
    line.text(row.number == SIGABRT ? "aborted: " : "crashed: ").text(row.name);
    if (from_outside && info.si_pid == ::getppid())
        line.text(" from the supervisor");
    else if (from_outside)
        line.text(" from process ").number(static_cast<uint64_t>(info.si_pid), 10);
    else if (row.has_address && info.si_code > 0)
        line.text(" at address ").address(reinterpret_cast<uintptr_t>(info.si_addr));
    line.text("; what it was doing:").end();
}

void on_signal(int number, siginfo_t* info, void* context) {
    // The default action is in force again: a second one, from in here, ends the process.
    if (program.dying == 0) {
        program.dying = 1;
        ::signal(SIGALRM, SIG_DFL);
        ::alarm(patience_s);
        for (const SignalRow& other : signals) ::signal(other.number, SIG_DFL);
        Line line;
        for (const SignalRow& row : signals)
            if (row.number == number) say_why(line, row, *info);
        Calls calls;
        _Unwind_Backtrace(add_call, &calls);
        int first = 0;  // what lies above is this handler
        while (first < calls.count && calls.at[first] != interrupted_at(context)) ++first;
        if (first == calls.count) first = 0;
        const Symbols symbols(program.file);
        for (int index = first; index < calls.count; ++index) {
            line.text("  #").number(static_cast<uint64_t>(index - first), 10).text(" ");
            say_call(line, symbols, calls.at[index]);
            line.end();
        }
        ::alarm(0);
    }
    // Blocked until this returns; then it is the end.
    ::raise(number);
}

int note_program(dl_phdr_info* info, size_t, void*) {
    program.bias = info->dlpi_addr;
    program.begin = UINTPTR_MAX;
    for (int index = 0; index < info->dlpi_phnum; ++index) {
        const ElfW(Phdr)& segment = info->dlpi_phdr[index];
        if (segment.p_type != PT_LOAD) continue;
        const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
        program.begin = std::min(program.begin, begin);
        program.end = std::max(program.end, begin + segment.p_memsz);
    }
    return 1;  // the program comes first; nothing else is wanted
}

// Reads "4Runs" off the front; empty when there is no such name.
std::string_view take_name(std::string_view& mangled) {
    size_t length = 0, digits = 0;
    while (digits < mangled.size() && mangled[digits] >= '0' && mangled[digits] <= '9' &&
           length < 1000)
        length = length * 10 + static_cast<size_t>(mangled[digits++] - '0');
    if (digits == 0 || length == 0 || length > mangled.size() - digits) return {};
    const std::string_view name = mangled.substr(digits, length);
    mangled.remove_prefix(digits + length);
    return name;
}

bool take(std::string_view& from, std::string_view prefix) {
    if (from.substr(0, prefix.size()) != prefix) return false;
    from.remove_prefix(prefix.size());
    return true;
}

}  // namespace

void install_backtrace() {
    program.file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ::dl_iterate_phdr(note_program, nullptr);
    if (!sanitized) {
        stack_t stack{};
        stack.ss_sp = signal_stack;
        stack.ss_size = sizeof signal_stack;
        ::sigaltstack(&stack, nullptr);
    }
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND;
    sigfillset(&action.sa_mask);
    sigdelset(&action.sa_mask, SIGALRM);  // the one that ends a handler which hangs
    for (const SignalRow& row : signals)
        if (!sanitized || row.under_sanitizers) ::sigaction(row.number, &action, nullptr);
}

std::string_view readable_symbol(std::string_view mangled, char* room, size_t size) {
    std::string_view rest = mangled;
    size_t used = 0;
    const auto add = [&](std::string_view words) {
        if (words.size() > size - used) return false;
        std::memcpy(room + used, words.data(), words.size());
        used += words.size();
        return true;
    };
    const bool is_inner = take(rest, "_ZZ");  // something inside of a function, mostly a lambda
    if (!is_inner && !take(rest, "_Z")) return mangled;
    const bool is_nested = take(rest, "N");
    if (is_nested) (void)(take(rest, "K") || take(rest, "V"));
    std::string_view last;
    if (take(rest, "St")) {
        if (!add("std")) return mangled;
        last = "std";
    }
    do {
        (void)take(rest, "L");  // known in its file only
        std::string_view name = take_name(rest);
        // Templates, operators and the like are nothing of these: then all stays as it is.
        const bool is_maker = name.empty() && (take(rest, "C1") || take(rest, "C2"));
        const bool is_breaker =
            name.empty() && (take(rest, "D0") || take(rest, "D1") || take(rest, "D2"));
        if (is_maker || is_breaker) name = last;
        if (name.empty()) return mangled;
        if (name == "_GLOBAL__N_1") name = "(anonymous)";
        if ((!last.empty() && !add("::")) || (is_breaker && !add("~")) || !add(name))
            return mangled;
        last = name;
    } while (is_nested && !take(rest, "E"));
    if (is_inner && !add("::(inside)")) return mangled;
    return {room, used};
}
