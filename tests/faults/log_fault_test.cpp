// Workers that say too much, or something strange, and a log that nobody reads.

#include <signal.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <numeric>

#include "tests/faults/fault_test.h"
#include "tests/support/process_tree.h"

using namespace std::chrono_literals;

namespace {

const std::string no_limit = "log text 4294967295\n";

std::string hex(const std::string& bytes) {
    std::string text;
    for (const unsigned char byte : bytes) {
        char digits[3];
        std::snprintf(digits, sizeof digits, "%02x", byte);
        text += digits;
    }
    return text;
}

// The number in front of that text in each line that has it, summed up.
uint64_t total_of(const std::vector<std::string>& lines, const std::string& text) {
    uint64_t total = 0;
    for (const std::string& line : lines) {
        const size_t at = line.find(text);
        if (at == std::string::npos || at == 0) continue;
        const size_t begin = line.find_last_not_of("0123456789", at - 1) + 1;
        total += std::strtoull(line.c_str() + begin, nullptr, 10);
    }
    return total;
}

uint64_t suppressed_in(const std::vector<std::string>& lines) {
    return total_of(lines, " lines were suppressed") + total_of(lines, " line was suppressed");
}

uint64_t dropped_in(const std::vector<std::string>& lines) {
    return total_of(lines, " log lines were dropped") + total_of(lines, " log line was dropped");
}

int64_t high_of(std::vector<int64_t> times) {
    std::sort(times.begin(), times.end());
    return times.empty() ? 0 : times[(times.size() - 1) * 95 / 100];
}

std::string milliseconds(int64_t us) {
    return std::to_string(us / 1000) + "." + std::to_string(us % 1000 / 100) + " ms";
}

class LogFault : public FaultTest {
  protected:
    // What the worker's lines in the log say, behind stamp and name.
    std::vector<std::string> said_by(const std::string& worker) const;
    void flood_for(std::chrono::seconds length);
    void die_with_a_full_pipe(int times);
    // A worker's lines as the door shows them.
    std::string shown_lines(const std::string& worker) const;
    void expect_idle(std::chrono::milliseconds time);
    // More than the pipe and the backlog hold.
    void overrun_log(long lines);
};

std::vector<std::string> LogFault::said_by(const std::string& worker) const {
    const std::string tag = "Z [" + worker + "] ";
    std::vector<std::string> said;
    for (const std::string& line : supervisor->log().lines())
        if (line.size() > 23 && line.compare(23, tag.size(), tag) == 0)
            said.push_back(line.substr(23 + tag.size()));
    return said;
}

std::string LogFault::shown_lines(const std::string& worker) const {
    std::string text;
    if (const auto reply = supervisor->ask("logs", {worker, "10000"}))
        for (const auto& line : reply->lines()) text += line.text() + "\n";
    return text;
}

void LogFault::expect_idle(std::chrono::milliseconds time) {
    const double before = supervisor->processor_seconds();
    ASSERT_FALSE(supervisor->wait_exit(time));
    const double used = supervisor->processor_seconds() - before;
    EXPECT_LT(used, 0.03 * slowness * static_cast<double>(time.count()) / 1000.0);
}

void LogFault::overrun_log(long lines) {
    ASSERT_TRUE(supervisor->tell("one", "lines " + std::to_string(lines) + " 100", 30s));
    ASSERT_TRUE(eventually([&] {
        const auto reply = supervisor->ask("status");
        return reply && reply->status().log_lines_dropped() > 0;
    }));
}

void LogFault::flood_for(std::chrono::seconds length) {
    start();
    std::vector<int64_t> delays;
    std::vector<int64_t> respawns;
    size_t floods = 0;
    const int64_t end = monotonic_us() + std::chrono::microseconds(length).count();
    for (int turn = 0; monotonic_us() < end; ++turn) {
        // In portions: between them it beats.
        if (supervisor->notes("one", "flooded").size() == floods) {
            ASSERT_TRUE(supervisor->order("one", "flood 1000"));
            ++floods;
        }
        const std::string beacon = "beacon " + std::to_string(turn) + ".";
        const size_t from = supervisor->log().count();
        const int64_t begin = monotonic_us();
        ASSERT_TRUE(supervisor->tell("two", "print " + beacon));
        ASSERT_TRUE(supervisor->wait_line("[two] " + beacon, from));
        delays.push_back(monotonic_us() - begin);
        if (turn % 8 != 7) continue;
        const uint64_t life = supervisor->status("agent").incarnation();
        respawns.push_back(supervisor->kill_to_next_life("agent"));
        ASSERT_GE(respawns.back(), 0);
        ASSERT_TRUE(supervisor->wait_ready_after("agent", life));
    }
    ASSERT_TRUE(supervisor->wait_notes("one", "flooded", floods));
    uint64_t wrote = 0;
    for (const auto& note : supervisor->notes("one", "flooded")) wrote += std::stoull(note[1]);
    uint64_t passed = 0;
    uint64_t suppressed = 0;
    eventually(
        [&] {
            const std::vector<std::string> said = said_by("one");
            passed = static_cast<uint64_t>(
                std::count_if(said.begin(), said.end(),
                              [](const std::string& line) { return line.starts_with("flood "); }));
            suppressed = suppressed_in(said);
            return passed + suppressed == wrote;
        },
        patience, 100ms);
    EXPECT_EQ(passed + suppressed, wrote) << passed << " passed on";
    EXPECT_EQ(supervisor->status("one").log_lines_suppressed(), suppressed);
    remark(std::to_string(wrote) + " lines, " + std::to_string(suppressed) +
           " suppressed; others' lines after " + milliseconds(high_of(delays)) + ", respawn in " +
           milliseconds(high_of(respawns)) + " (p95)");
    expect_others_untouched({"agent"});
}

TEST_P(LogFault, FloodOfOneDelaysNobodyAndIsCountedExactly) {
    covers("47");
    flood_for(3s);
}

TEST_P(LogFault, FloodOfOneDelaysNobodyAndIsCountedExactlySoak) {
    covers("47");
    flood_for(60s);
}

TEST_P(LogFault, FloodsOfEightLoseNoLine) {
    covers("48");
    std::string plan = no_limit;
    std::vector<std::string> names;
    for (int i = 0; i < 8; ++i) {
        names.push_back("loud" + std::to_string(i));
        plan += "worker " + names.back() + " stub\n";
    }
    start(plan);
    // Less than the supervisor keeps for a slow reader, so that none may be lost on any machine.
    for (const std::string& name : names) ASSERT_TRUE(supervisor->order(name, "flood 300 6000"));
    std::map<std::string, long> wrote;
    for (const std::string& name : names) {
        ASSERT_TRUE(supervisor->wait_notes(name, "flooded", 1, 30s));
        wrote[name] = std::stol(supervisor->notes(name, "flooded")[0][1]);
        ASSERT_TRUE(supervisor->tell(name, "print that was all"));
        ASSERT_TRUE(supervisor->wait_line("[" + name + "] that was all"));
    }
    long total = 0;
    for (const std::string& name : names) {
        const std::vector<std::string> said = said_by(name);
        ASSERT_EQ(static_cast<long>(said.size()), wrote[name] + 1) << name;
        for (long i = 0; i < wrote[name]; ++i)
            ASSERT_EQ(said[static_cast<size_t>(i)], "flood " + std::to_string(i) + " of " + name);
        total += wrote[name];
    }
    EXPECT_EQ(supervisor->ask("status")->status().log_lines_dropped(), 0u);
    remark(std::to_string(total) + " lines, none lost, none torn");
}

TEST_P(LogFault, StdoutThatIsNotReadBlocksNobody) {
    covers("49");
    Supervised::Options options;
    options.read_output = false;
    start(no_limit + usual_plan, options);
    constexpr long lines = 120'000;
    overrun_log(lines);
    std::vector<int64_t> respawns;
    for (int i = 0; i < 5; ++i) {
        const uint64_t life = supervisor->status("two").incarnation();
        respawns.push_back(supervisor->kill_to_next_life("two"));
        ASSERT_GE(respawns.back(), 0);
        ASSERT_TRUE(supervisor->wait_ready_after("two", life));
    }
    expect_others_untouched({"two"});

    supervisor->log().follow(std::move(supervisor->output()));
    ASSERT_TRUE(supervisor->wait_line("dropped because stdout was not read"));
    // Whoever spoke: what was said is in the log or in the counts.
    uint64_t said = 0;
    uint64_t arrived = 0;
    eventually([&] {
        const auto own = supervisor->ask("logs", {"supervisor", "10000"});
        const std::vector<std::string> all = supervisor->log().lines();
        said = lines + static_cast<uint64_t>(own ? own->lines_size() : 0);
        arrived = all.size() + dropped_in(all);
        return said == arrived;
    });
    EXPECT_EQ(arrived, said);
    const uint64_t dropped = dropped_in(supervisor->log().lines());
    EXPECT_EQ(dropped, supervisor->ask("status")->status().log_lines_dropped());
    remark("respawn " + milliseconds(high_of(respawns)) + ", the markers say exactly " +
           std::to_string(dropped) + " dropped lines");
}

TEST_P(LogFault, StdoutThatIsNotReadDoesNotHoldUpTheStop) {
    covers("49");
    Supervised::Options options;
    options.read_output = false;
    options.environment["HARDSHELL_STOP_BUDGET_MS"] = "1000";
    start(no_limit + usual_plan + "worker defiant stub STUB_DO=ready;defy\n", options);
    overrun_log(120'000);
    const int64_t ms = stop();
    EXPECT_LT(ms, 1'000 + 600 + 100 * slowness);  // the budget and the bounded last flush
    remark("stopped in " + std::to_string(ms) + " ms of a budget of 1000");
}

TEST_P(LogFault, StdoutThatClosesEndsNobodyAndCostsNothing) {
    covers("50");
    Supervised::Options options;
    options.read_output = false;
    start(usual_plan, options);
    supervisor->output().reset();
    ASSERT_TRUE(supervisor->tell("one", "lines 50 50"));
    ASSERT_TRUE(supervisor->tell("one", "print said to nobody"));
    const uint64_t life = supervisor->status("two").incarnation();
    ASSERT_GE(supervisor->kill_to_next_life("two"), 0);
    ASSERT_TRUE(supervisor->wait_ready_after("two", life));
    expect_idle(1'000ms);
    EXPECT_NE(shown_lines("one").find("said to nobody"), std::string::npos);
    expect_others_untouched({"two"});
}

TEST_P(LogFault, NeedsNoStdoutFromTheBeginning) {
    covers("50");
    Supervised::Options options;
    options.before_exec = [] {
        close(1);
        close(2);
    };
    start(usual_plan, options);
    ASSERT_TRUE(supervisor->tell("one", "print said to nobody"));
    EXPECT_TRUE(
        eventually([&] { return shown_lines("one").find("said to nobody") != std::string::npos; }));
    expect_idle(500ms);
}

TEST_P(LogFault, LinesWrittenInTwoHalvesStayWhole) {
    covers("51");
    std::string plan;
    std::vector<std::string> names;
    for (int i = 0; i < 8; ++i) {
        names.push_back("slow" + std::to_string(i));
        plan += "worker " + names.back() + " stub\n";
    }
    start(plan);
    for (const std::string& name : names) ASSERT_TRUE(supervisor->order(name, "torn 60 5"));
    for (const std::string& name : names) {
        ASSERT_TRUE(supervisor->wait_line("[" + name + "] torn 59 whole"));
        const std::vector<std::string> said = said_by(name);
        ASSERT_EQ(said.size(), 60u) << name;
        for (size_t i = 0; i < said.size(); ++i)
            EXPECT_EQ(said[i], "torn " + std::to_string(i) + " whole") << name;
    }
    remark("480 lines of 8 streams, 0 torn");
}

TEST_P(LogFault, LineOfAMebibyteComesInPiecesWithoutLoss) {
    covers("52");
    start();
    const size_t before = supervisor->resident_kib();
    constexpr size_t size = 1u << 20;
    ASSERT_TRUE(supervisor->tell("one", "long " + std::to_string(size)));
    ASSERT_TRUE(supervisor->tell("one", "print after it"));
    ASSERT_TRUE(supervisor->wait_line("[one] after it"));
    EXPECT_LT(supervisor->resident_kib(), before + 4096u * slowness);

    std::string expected = "begin ";
    while (expected.size() + 4 < size) expected += static_cast<char>('a' + expected.size() % 26);
    expected += " end";
    const std::string mark = "…";
    std::vector<std::string> pieces = said_by("one");
    ASSERT_GT(pieces.size(), 100u);
    pieces.pop_back();
    std::string joined;
    for (size_t i = 0; i < pieces.size(); ++i) {
        std::string_view piece = pieces[i];
        if (i > 0) {
            ASSERT_TRUE(piece.starts_with(mark + " "));
            piece.remove_prefix(mark.size() + 1);
        }
        if (i + 1 < pieces.size()) {
            ASSERT_TRUE(piece.ends_with(" " + mark));
            piece.remove_suffix(mark.size() + 1);
        }
        joined += piece;
    }
    EXPECT_EQ(joined == expected, true) << joined.size() << " of " << expected.size() << " bytes";
}

// The last lines of each are part of the status, which has a largest size.
TEST_P(LogFault, LongLastWordsOfManyLeaveTheStatusReadable) {
    covers("52");
    std::string plan;
    for (int i = 0; i < 9; ++i) plan += "worker wordy" + std::to_string(i) + " stub\n";
    start(plan + "worker gateway gateway\n");
    for (int i = 0; i < 9; ++i) {
        const std::string name = "wordy" + std::to_string(i);
        ASSERT_TRUE(supervisor->tell(name, "long 200000"));
        ASSERT_GE(supervisor->kill_to_next_life(name), 0);
        ASSERT_TRUE(supervisor->wait_ready_after(name, 1)) << name;
        EXPECT_EQ(supervisor->status(name).last_lines_size(), 20);
    }
    expect_others_untouched(
        {"wordy0", "wordy1", "wordy2", "wordy3", "wordy4", "wordy5", "wordy6", "wordy7", "wordy8"});
}

struct Strange {
    const char* what;
    std::string bytes;
    std::string shown;
    std::string in_json;
};
const Strange strange[] = {
    {"NUL", std::string("a\0b\n", 4), "a\\x00b", "a\\\\x00b"},
    {"CRLF", "c\r\n", "c", "c"},
    {"lone CR", "d\re\n", "d\\x0de", "d\\\\x0de"},
    {"ESC", "\x1b[31mred\x1b[0m\n", "\\x1b[31mred\\x1b[0m", "\\\\x1b[31mred\\\\x1b[0m"},
    {"C1 control",
     "\xc2\x9b"
     "2J\n",
     "\\x9b2J", "\\\\x9b2J"},
    {"invalid UTF-8", "\xff\xfe\xc3\x28\n", "\\xff\\xfe\\xc3(", "\\\\xff\\\\xfe\\\\xc3("},
    {"valid UTF-8", "\xc3\xa9 \xf0\x9f\x90\x9a\n", "\xc3\xa9 \xf0\x9f\x90\x9a",
     "\xc3\xa9 \xf0\x9f\x90\x9a"},
    {"quotes", "\"q\"\\\n", "\"q\"\\", "\\\"q\\\"\\\\"},
    {"empty", "\n", "", ""},
    {"a forged line", "2026-01-30T10:00:00.000Z [gateway] forged\n",
     "2026-01-30T10:00:00.000Z [gateway] forged", "2026-01-30T10:00:00.000Z [gateway] forged"},
};

TEST_P(LogFault, StrangeBytesAreShownAndSteerNoTerminal) {
    covers("53");
    start();
    for (const Strange& row : strange)
        ASSERT_TRUE(supervisor->tell("one", "bytes " + hex(row.bytes)));
    ASSERT_TRUE(supervisor->tell("one", "print that was all"));
    ASSERT_TRUE(supervisor->wait_line("[one] that was all"));
    const std::vector<std::string> said = said_by("one");
    ASSERT_EQ(said.size(), std::size(strange) + 1);
    for (size_t i = 0; i < std::size(strange); ++i)
        EXPECT_EQ(said[i], strange[i].shown) << strange[i].what;
    expect_others_untouched({});
}

TEST_P(LogFault, StrangeBytesLeaveJsonLinesValid) {
    covers("53");
    Supervised::Options options;
    options.environment["HARDSHELL_LOG_FORMAT"] = "json";
    start(usual_plan, options);
    for (const Strange& row : strange)
        ASSERT_TRUE(supervisor->tell("one", "bytes " + hex(row.bytes)));
    ASSERT_TRUE(supervisor->tell("one", "print that was all"));
    ASSERT_TRUE(supervisor->wait_line("that was all"));
    std::vector<std::string> said;
    for (const std::string& line : supervisor->log().lines())
        if (line.find("\"worker\":\"one\"") != std::string::npos) said.push_back(line);
    ASSERT_EQ(said.size(), std::size(strange) + 1);
    for (size_t i = 0; i < std::size(strange); ++i)
        EXPECT_TRUE(said[i].ends_with(",\"text\":\"" + strange[i].in_json + "\"}"))
            << strange[i].what << ": " << said[i];
}

TEST_P(LogFault, LineCutOffByADeathIsEndedAndMarked) {
    covers("54");
    start();
    constexpr int times = 30;
    for (int i = 0; i < times; ++i) {
        const std::string number = std::to_string(i);
        const uint64_t life = supervisor->status("one").incarnation();
        ASSERT_TRUE(
            supervisor->tell("one", "bytes " + hex("whole " + number + "\nbegun " + number)));
        ASSERT_GE(supervisor->kill_to_next_life("one"), 0);
        ASSERT_TRUE(supervisor->wait_ready_after("one", life));
        ASSERT_TRUE(supervisor->tell("one", "print next " + number));
    }
    ASSERT_TRUE(supervisor->wait_line("[one] next " + std::to_string(times - 1)));
    const std::vector<std::string> said = said_by("one");
    ASSERT_EQ(said.size(), 3u * times);
    for (size_t i = 0; i < times; ++i) {
        const std::string number = std::to_string(i);
        EXPECT_EQ(said[3 * i], "whole " + number);
        EXPECT_EQ(said[3 * i + 1], "begun " + number + " [line not finished]");
        EXPECT_EQ(said[3 * i + 2], "next " + number);
    }
    expect_others_untouched({"one"});
}

// The supervisor is held while the worker writes and dies: all of it is still in the pipe.
void LogFault::die_with_a_full_pipe(int times) {
    start(no_limit + usual_plan);
    constexpr long lines = 1'000;  // of 60 bytes
    for (int i = 0; i < times; ++i) {
        const uint64_t life = supervisor->status("one").incarnation();
        const pid_t pid = supervisor->worker("one");
        ASSERT_GT(pid, 1);
        supervisor->signal(SIGSTOP);
        ASSERT_TRUE(eventually([&] {
            return read_proc(supervisor->pid(), "stat").find(") T ") != std::string::npos;
        }));
        EXPECT_TRUE(supervisor->tell("one", "lines " + std::to_string(lines) + " 60"));
        kill(pid, SIGKILL);
        EXPECT_TRUE(eventually([&] { return !is_running(pid); }));
        supervisor->signal(SIGCONT);
        ASSERT_TRUE(supervisor->wait_ready_after("one", life));
    }
    ASSERT_TRUE(supervisor->tell("one", "print that was all"));
    ASSERT_TRUE(supervisor->wait_line("[one] that was all"));
    const std::vector<std::string> said = said_by("one");
    ASSERT_EQ(static_cast<long>(said.size()), lines * times + 1);
    for (size_t i = 0; i + 1 < said.size(); ++i)
        ASSERT_TRUE(said[i].starts_with("line " + std::to_string(i % lines) + " of one "))
            << said[i];
    remark(std::to_string(times) + " runs, " + std::to_string(lines * times) + " lines, none lost");
    expect_others_untouched({"one"});
}

TEST_P(LogFault, PipeFullAtADeathIsReadToItsEnd) {
    covers("55");
    die_with_a_full_pipe(30);
}

TEST_P(LogFault, PipeFullAtADeathIsReadToItsEndSoak) {
    covers("55");
    die_with_a_full_pipe(1'000);
}

TEST_P(LogFault, OutputThatAWorkerClosesIsMarkedAndCostsNothing) {
    covers("56");
    start();
    ASSERT_TRUE(supervisor->tell("one", "bytes " + hex("begun")));
    ASSERT_TRUE(supervisor->tell("one", "close-output"));
    ASSERT_TRUE(supervisor->wait_line("[one] begun [line not finished]"));
    ASSERT_TRUE(supervisor->wait_line("one has closed one of its outputs and lives on"));
    expect_idle(1'000ms);
    expect_others_untouched({});
}

class SecretFault : public LogFault {
  protected:
    static constexpr const char* secret = "sk-test-0123456789abcdefABCDEF";

    void print_it_in_every_way();
    // Nowhere in what the supervisor lets out.
    void expect_unseen();
};

void SecretFault::print_it_in_every_way() {
    const std::string value = secret;
    ASSERT_TRUE(supervisor->tell("one", "print plain " + value + " end"));
    ASSERT_TRUE(supervisor->tell("one", "bytes " + hex("split " + value.substr(0, 9))));
    ASSERT_TRUE(supervisor->tell("one", "bytes " + hex(value.substr(9) + " end\n")));
    // Another worker may have got hold of it.
    ASSERT_TRUE(supervisor->tell("two", "print stolen " + value));
    // Failed {what: 2}: what a worker declares becomes the cause of its end.
    const std::string what = "bad token " + value;
    const std::string failed = std::string("\x12") + static_cast<char>(what.size() + 2) + "\x12" +
                               static_cast<char>(what.size()) + what;
    ASSERT_TRUE(supervisor->tell(
        "one", "send " + hex(std::string(3, '\0') + static_cast<char>(failed.size()) + failed)));
    ASSERT_TRUE(supervisor->tell("one", "bytes " + hex("cut off " + value.substr(0, 20))));
    const uint64_t life = supervisor->status("one").incarnation();
    supervisor->order("one", "exit 1");
    ASSERT_TRUE(supervisor->wait_ready_after("one", life));
}

void SecretFault::expect_unseen() {
    const std::string part = std::string(secret).substr(0, 12);
    const std::string log = supervisor->log().text();
    EXPECT_NE(log.find("plain *** end"), std::string::npos);
    EXPECT_NE(log.find("split *** end"), std::string::npos);
    EXPECT_NE(log.find("stolen ***"), std::string::npos);
    EXPECT_NE(log.find("cut off ***"), std::string::npos);
    EXPECT_EQ(log.find(part), std::string::npos);
    const std::string shown = shown_lines("") + shown_lines("one") + shown_lines("supervisor");
    EXPECT_NE(shown.find("plain *** end"), std::string::npos);
    EXPECT_EQ(shown.find(part), std::string::npos);
    const auto status = supervisor->ask("status");
    ASSERT_TRUE(status);
    EXPECT_EQ(status->status().SerializeAsString().find(part), std::string::npos);
    EXPECT_NE(supervisor->status("one").last_end().find("bad token ***"), std::string::npos)
        << supervisor->status("one").last_end();
}

TEST_P(SecretFault, IsMaskedWhereverItIsPrinted) {
    covers("57");
    start(std::string(usual_plan) + "secret one models.key " + secret + "\n");
    print_it_in_every_way();
    expect_unseen();
}

TEST_P(SecretFault, IsMaskedInJsonLines) {
    covers("57");
    Supervised::Options options;
    options.environment["HARDSHELL_LOG_FORMAT"] = "json";
    start(std::string(usual_plan) + "secret one models.key " + secret + "\n", options);
    print_it_in_every_way();
    expect_unseen();
}

// It runs with the secret of a plan that is neither in force nor the one before.
TEST_P(SecretFault, OfAWorkerThatWasRolledBackIsMaskedToo) {
    covers("57");
    const std::string rest = "worker gateway gateway\n";
    start(rest + "worker one stub\nsecret one models.key " + secret + "\n");
    const std::string bad =
        "worker one stub STUB_DO=exit+1\nsecret one models.key another-secret\n";
    supervisor->set_plan(rest + bad);
    supervisor->signal(SIGHUP);
    ASSERT_TRUE(supervisor->wait_line("it gets back the configuration with which it ran"));
    ASSERT_TRUE(supervisor->wait_ready("one"));
    supervisor->set_plan(rest + "worker three stub\n" + bad);
    supervisor->signal(SIGHUP);
    ASSERT_TRUE(supervisor->wait_ready("three"));
    ASSERT_TRUE(supervisor->tell("one", std::string("print held ") + secret));
    EXPECT_TRUE(supervisor->wait_line("[one] held ***"));
    may_hold_more_descriptors = true;
}

AT_BOTH_PLACES(LogFault);
AT_BOTH_PLACES(SecretFault);

}  // namespace
