#include "supervisor/log_pump.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "supervisor/log_limit.h"
#include "supervisor/log_ring.h"
#include "supervisor/log_text.h"

namespace supervisor {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view own_name = "supervisor";
constexpr size_t bytes_per_read = 64u << 10;
// One read of a pipe, taken to its end: a descendant that still holds it could write for ever.
constexpr int most_last_reads = 64;
// Written before the loop's turn is over once so much waits.
constexpr size_t written_at_once = 128u << 10;
// Beyond this backlog workers wait until stdout has taken it, where it takes anything, but never
// longer than that: a worker that waits for long would count as hanging.
constexpr size_t backlog_worth_waiting = 1u << 20;
constexpr milliseconds longest_wait{50};
constexpr milliseconds settle_period{1'000};

constexpr std::string_view continues = "… ";
constexpr std::string_view continued = " …";
constexpr std::string_view not_finished = " [line not finished]";

std::string counted(uint64_t count, std::string_view one, std::string_view many) {
    return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

}  // namespace

struct LogPump::Speaker {
    explicit Speaker(std::string its_name) : name(std::move(its_name)) {}

    std::string name;
    std::string tag = " [" + name + "] ";
    bool is_limited = name != own_name;
    LogRing ring{ring_size};
    LogLimit limit;
    bool last_was_written = false;
};

struct LogPump::Source {
    Source(Speaker& its_speaker, Fd its_pipe, const SecretMask& mask)
        : speaker(its_speaker), pipe(std::move(its_pipe)), splitter(mask) {}

    Speaker& speaker;
    Fd pipe;
    LineSplitter splitter;
    LineSplitter::Taker taker;
    Loop::Registration watch;
    bool is_closed = false;  // by the worker, its end
    int64_t closed_ms = 0;
    bool told_closed = false;
};

LogPump::LogPump(Loop& loop, int output, std::vector<std::string> fallbacks, int64_t (*monotonic)())
    : loop_(loop),
      output_(loop, output, std::move(fallbacks)),
      monotonic_(monotonic),
      buffer_(bytes_per_read) {
    output_.on_drained([this] {
        may_hold_up_ = true;
        let_workers_go_on();
    });
    before_sleep_ = loop_.before_sleep([this] { output_.write_unless_full(); });
}

LogPump::~LogPump() = default;

LogPump::Speaker& LogPump::speaker(const std::string& name) {
    std::unique_ptr<Speaker>& found = speakers_[name];
    if (!found) {
        found = std::make_unique<Speaker>(name);
        found->limit.set(lines_per_second_);
    }
    return *found;
}

void LogPump::read_clocks() {
    now_ms_ = monotonic_();
    wall_ms_ = wall_ms();
}

void LogPump::say(std::string_view severity, std::string_view text) {
    std::string line(severity);
    if (!severity.empty()) line += ": ";
    line += text;
    read_clocks();
    take(speaker(std::string(own_name)), {masked(line)});
    output_.write_some();
}

std::string LogPump::masked(std::string_view text) const {
    std::vector<SecretMask::Span> spans;
    mask_.find(text, spans);
    std::string masked;
    append_masked(masked, text, spans, 0, text.size());
    return masked;
}

void LogPump::follow(const std::string& worker, Fd pipe) {
    fcntl(pipe.get(), F_SETFL, O_NONBLOCK);
    auto source = std::make_unique<Source>(speaker(worker), std::move(pipe), mask_);
    Source* const raw = source.get();
    raw->taker = [this, raw](const LinePiece& piece) { take(raw->speaker, piece); };
    raw->watch =
        loop_.watch(raw->pipe.get(), Loop::readable, [this, raw](unsigned) { on_readable(*raw); });
    if (holds_up_) loop_.rewatch(raw->pipe.get(), 0);
    sources_.push_back(std::move(source));
}

// False when there is nothing more to read for now, or ever.
bool LogPump::read(Source& source) {
    const ssize_t count = ::read(source.pipe.get(), buffer_.data(), buffer_.size());
    if (count < 0 && errno == EINTR) return true;
    if (count < 0 && errno == EAGAIN) return false;
    if (count <= 0) {
        source.is_closed = true;
        source.closed_ms = now_ms_;
        return false;
    }
    source.splitter.take({buffer_.data(), static_cast<size_t>(count)}, source.taker);
    if (output_.waiting() > written_at_once) output_.write_unless_full();
    return true;
}

void LogPump::on_readable(Source& source) {
    if (holds_up_) return;  // reported in the turn in which the holding up began
    read_clocks();
    (void)read(source);  // once per turn: a flood must not keep the loop from the others
    if (source.is_closed) {
        source.watch.reset();  // or the loop would spin; finish() collects it
        settle_later();
    }
    if (output_.waiting() > backlog_worth_waiting) hold_up_workers();
}

void LogPump::finish(const std::string& worker) {
    read_clocks();
    Speaker& dead = speaker(worker);
    for (const auto& source : sources_) {
        if (&source->speaker != &dead) continue;
        for (int reads = 0; reads < most_last_reads && read(*source); ++reads) {
        }
        source->splitter.finish(source->taker);
    }
    std::erase_if(sources_, [&](const auto& source) { return &source->speaker == &dead; });
    tell_repeats(dead);
    dead.limit.remember(nullptr);
    tell_suppressed(dead);
    output_.write_some();
}

void LogPump::take(Speaker& from, const LinePiece& piece) {
    if (from.is_limited) {
        if (piece.is_whole_line() && from.limit.repeats(piece.text, now_ms_)) return settle_later();
        tell_repeats(from);
        from.limit.remember(piece.is_whole_line() ? &piece.text : nullptr);
    }
    Text text{piece.begins ? "" : continues, piece.text,
              piece.cut_off ? not_finished
              : piece.ends  ? ""
                            : continued};
    std::string escaped;
    if (!is_plain(piece.text)) text.text = escaped = escape_control(piece.text);
    from.last_was_written = pass_on(from, text, 1);
}

void LogPump::tell_repeats(Speaker& from) {
    const uint64_t count = from.limit.take_repeats();
    if (count == 0) return;
    // Repetitions of a suppressed line are suppressed: told, they would name the line before it.
    if (!from.last_was_written) return from.limit.suppress(count, now_ms_);
    const std::string times = counted(count, "time", "times");
    pass_on(from, {"the last line was repeated ", times, ""}, count);
}

void LogPump::tell_suppressed(Speaker& from) {
    if (!output_.accepts() && !output_.is_closed()) return settle_later();
    const uint64_t count = from.limit.take_suppressed(now_ms_);
    if (count == 0) return;
    const std::string lines = counted(count, "line was", "lines were");
    const std::string rate = std::to_string(from.limit.lines_per_second()) + " per second";
    publish(from, {lines, " suppressed: more than ", rate}, count);
}

void LogPump::tell_dropped() {
    const std::string lines =
        counted(output_.dropped() - told_drops_, "log line was", "log lines were");
    told_drops_ = output_.dropped();
    publish(speaker(std::string(own_name)),
            {"warn: ", lines, " dropped because stdout was not read"}, 1);
}

void LogPump::tell_closed(Source& source) {
    source.told_closed = true;
    source.splitter.finish(source.taker);
    say("warn", source.speaker.name + " has closed one of its outputs and lives on");
}

// Stands for that many lines of the worker. False when there were too many of them; what is
// suppressed still is in the ring: the last words of a worker that dies are never too many.
bool LogPump::pass_on(Speaker& from, const Text& text, uint64_t stands_for) {
    if (from.is_limited && !from.limit.admits(now_ms_)) {
        from.limit.suppress(stands_for - 1, now_ms_);
        from.ring.add(next_sequence_++, wall_ms_, {text.before, text.text, text.after});
        settle_later();
        return false;
    }
    if (from.limit.suppressed_are_due(now_ms_)) tell_suppressed(from);
    publish(from, text, stands_for);
    return true;
}

void LogPump::publish(Speaker& from, const Text& text, uint64_t stands_for) {
    if (output_.dropped() > told_drops_ && output_.accepts()) tell_dropped();
    const uint64_t sequence = next_sequence_++;
    from.ring.add(sequence, wall_ms_, {text.before, text.text, text.after});
    if (!write(from, text, stands_for)) settle_later();
    if (!listeners_.empty()) tell_listeners(from.name, {sequence, wall_ms_, text.joined()});
}

bool LogPump::write(const Speaker& from, const Text& text, uint64_t stands_for) {
    if (format_ == LogFormat::json) return output_.append({json_line(from, text)}, stands_for);
    return output_.append({stamp(), from.tag, text.before, text.text, text.after, "\n"},
                          stands_for);
}

std::string LogPump::json_line(const Speaker& from, const Text& text) {
    const std::string whole = text.joined();
    const Levelled levelled = split_level(whole);
    std::string line = "{\"time\":\"";
    line += stamp();
    line += "\",\"worker\":\"" + json_escaped(from.name) + "\",\"level\":\"";
    line += levelled.level;
    line += "\",\"text\":\"" + json_escaped(levelled.text) + "\"}\n";
    return line;
}

std::string_view LogPump::stamp() {
    if (stamped_ms_ != wall_ms_) stamp_ = iso_time(wall_ms_);
    stamped_ms_ = wall_ms_;
    return stamp_;
}

void LogPump::tell_listeners(const std::string& worker, const LogRecord& record) {
    // One may remove itself or another: looked up again before each call, and kept during it.
    for (auto next = listeners_.begin(); next != listeners_.end();) {
        const uint64_t id = next->first;
        const auto listener = next->second;
        (*listener)(worker, record);
        next = listeners_.upper_bound(id);
    }
}

Loop::Registration LogPump::listen(Listener listener) {
    const uint64_t id = next_listener_++;
    listeners_[id] = std::make_shared<Listener>(std::move(listener));
    return Loop::Registration([this, id] { listeners_.erase(id); });
}

void LogPump::hold_up_workers() {
    // A stdout that nobody reads is not worth waiting for.
    if (!may_hold_up_ || monotonic_ms() - output_.taken_ms() > longest_wait.count()) return;
    holds_up_ = true;
    for (const auto& source : sources_)
        if (source->watch) loop_.rewatch(source->pipe.get(), 0);
    hold_up_ends_ = loop_.after(longest_wait, [this] {
        may_hold_up_ = false;  // until all of the backlog has been written
        let_workers_go_on();
    });
}

void LogPump::let_workers_go_on() {
    if (!std::exchange(holds_up_, false)) return;
    hold_up_ends_.reset();
    for (const auto& source : sources_)
        if (source->watch) loop_.rewatch(source->pipe.get(), Loop::readable);
}

void LogPump::settle_later() {
    if (!settle_timer_) settle_timer_ = loop_.every(settle_period, [this] { settle(); });
}

void LogPump::settle() {
    read_clocks();
    for (const auto& [name, from] : speakers_) {
        if (from->limit.repeats_are_due(now_ms_)) tell_repeats(*from);
        if (from->limit.suppressed_are_due(now_ms_)) tell_suppressed(*from);
    }
    for (const auto& source : sources_)
        if (source->is_closed && !source->told_closed &&
            now_ms_ - source->closed_ms >= settle_period.count())
            tell_closed(*source);
    if (output_.dropped() > told_drops_ && output_.accepts()) tell_dropped();
    output_.write_unless_full();
    if (is_settled()) settle_timer_.reset();
}

bool LogPump::is_settled() const {
    const auto has_spoken = [](const auto& entry) { return entry.second->limit.is_settled(); };
    const auto is_told = [](const auto& source) {
        return !source->is_closed || source->told_closed;
    };
    return std::all_of(speakers_.begin(), speakers_.end(), has_spoken) &&
           std::all_of(sources_.begin(), sources_.end(), is_told) &&
           (output_.is_closed() || output_.dropped() == told_drops_);
}

void LogPump::mask(const std::vector<std::string>& secrets) {
    mask_ = SecretMask(secrets);
}

void LogPump::limit(uint32_t lines_per_second) {
    lines_per_second_ = lines_per_second;
    for (const auto& [name, from] : speakers_) from->limit.set(lines_per_second);
}

uint64_t LogPump::suppressed(const std::string& worker) const {
    const auto found = speakers_.find(worker);
    return found == speakers_.end() ? 0 : found->second->limit.suppressed();
}

std::vector<std::pair<std::string, LogRecord>> LogPump::recent(const std::string& worker,
                                                               uint64_t after, size_t most) const {
    std::vector<std::pair<std::string, LogRecord>> found;
    for (const auto& [name, entry] : speakers_) {
        if (!worker.empty() && worker != name) continue;
        const Speaker& from = *entry;
        // Of one ring no more than its newest can be among the newest of all.
        size_t skipped = from.ring.lines() - std::min(from.ring.lines(), most);
        from.ring.each([&](const LogRing::Entry& line) {
            if (skipped > 0)
                --skipped;
            else if (line.sequence > after)
                found.emplace_back(from.name,
                                   LogRecord{line.sequence, line.time_ms, std::string(line.text)});
        });
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.second.sequence < b.second.sequence; });
    if (found.size() > most) found.erase(found.begin(), found.end() - static_cast<ptrdiff_t>(most));
    return found;
}

bool LogPump::has_forgotten(const std::string& worker, uint64_t after) const {
    return std::any_of(speakers_.begin(), speakers_.end(), [&](const auto& entry) {
        return (worker.empty() || worker == entry.first) && entry.second->ring.forgotten() > after;
    });
}

void LogPump::flush(milliseconds longest) {
    output_.flush(longest);
}

std::string LogPump::Text::joined() const {
    std::string whole(before);
    whole += text;
    whole += after;
    return whole;
}

}  // namespace supervisor
