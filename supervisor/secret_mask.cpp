#include "supervisor/secret_mask.h"

#include <algorithm>
#include <cstring>

#include "supervisor/log_text.h"

namespace supervisor {

namespace {

size_t pair_at(const char* bytes) {
    const auto first = static_cast<unsigned char>(bytes[0]);
    const auto second = static_cast<unsigned char>(bytes[1]);
    return (static_cast<size_t>(second) << 4) ^ first;
}

}  // namespace

SecretMask::SecretMask(const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets) {
        look_for(secret);
        if (const std::string quoted = json_escaped(secret); quoted != secret) look_for(quoted);
    }
    std::sort(needles_.begin(), needles_.end(), [](const auto& a, const auto& b) {
        return a.size() != b.size() ? a.size() > b.size() : a < b;
    });
    needles_.erase(std::unique(needles_.begin(), needles_.end()), needles_.end());
    prepare_skips();
}

void SecretMask::look_for(std::string_view value) {
    while (!value.empty()) {
        std::string_view line = value.substr(0, value.find('\n'));
        value.remove_prefix(std::min(value.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        // Pieces overlap: found together they are one span, and no rest is too short.
        for (; line.size() > longest;
             line.remove_prefix(std::min(longest - 1, line.size() - longest)))
            needles_.emplace_back(line.substr(0, longest));
        if (line.size() >= shortest) needles_.emplace_back(line);
    }
}

void SecretMask::prepare_skips() {
    if (needles_.empty()) return;
    window_ = std::min<size_t>(needles_.back().size(), 255);
    skips_.fill(static_cast<uint8_t>(window_ - 1));
    for (const std::string& needle : needles_)
        for (size_t at = 1; at < window_; ++at) {
            uint8_t& skip = skips_[pair_at(needle.data() + at - 1)];
            skip = std::min(skip, static_cast<uint8_t>(window_ - 1 - at));
        }
}

size_t SecretMask::longest_at(std::string_view text) const {
    for (const std::string& needle : needles_)
        if (text.starts_with(needle)) return needle.size();
    return 0;
}

void SecretMask::find(std::string_view text, std::vector<Span>& spans) const {
    spans.clear();
    if (needles_.empty()) return;
    for (size_t at = 0; at + window_ <= text.size();) {
        const size_t skip = skips_[pair_at(text.data() + at + window_ - 2)];
        if (skip > 0) {
            at += skip;
            continue;
        }
        if (const size_t size = longest_at(text.substr(at)); size > 0) {
            if (!spans.empty() && at < spans.back().end)
                spans.back().end = std::max(spans.back().end, at + size);
            else
                spans.push_back({at, at + size});
        }
        ++at;
    }
}

size_t SecretMask::cut_off(std::string_view text) const {
    size_t most = 0;
    for (const std::string& needle : needles_)
        for (size_t size = std::min(needle.size() - 1, text.size());
             size >= shortest && size > most; --size)
            if (text.ends_with(std::string_view(needle).substr(0, size))) most = size;
    return most;
}

void append_masked(std::string& out, std::string_view text,
                   const std::vector<SecretMask::Span>& spans, size_t from, size_t to) {
    for (const SecretMask::Span& span : spans) {
        if (span.end <= from) continue;
        if (span.begin >= to) break;
        if (span.begin > from) out += text.substr(from, span.begin - from);
        out += "***";
        from = std::min(span.end, to);
    }
    if (from < to) out += text.substr(from, to - from);
}

}  // namespace supervisor
