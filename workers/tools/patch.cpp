#include "workers/tools/patch.h"

#include <algorithm>
#include <set>

namespace tools {

namespace {

constexpr std::string_view begin_mark = "*** Begin Patch";
constexpr std::string_view end_mark = "*** End Patch";
constexpr std::string_view add_mark = "*** Add File: ";
constexpr std::string_view delete_mark = "*** Delete File: ";
constexpr std::string_view update_mark = "*** Update File: ";
constexpr std::string_view move_mark = "*** Move to: ";
constexpr std::string_view end_of_file_mark = "*** End of File";

std::string_view without_trailing(std::string_view text) {
    const size_t last = text.find_last_not_of(" \t\r");
    return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

using Lines = std::vector<std::string>;
using Views = std::vector<std::string_view>;

Views lines_of(std::string_view text) {
    Views lines;
    while (!text.empty()) {
        const size_t line_break = text.find('\n');
        lines.push_back(text.substr(0, line_break));
        if (line_break == std::string_view::npos) break;
        text.remove_prefix(line_break + 1);
    }
    return lines;
}

class PatchReader {
  public:
    explicit PatchReader(std::string_view text) {
        for (const std::string_view line : lines_of(text)) lines_.emplace_back(line);
        while (!lines_.empty() && without_trailing(lines_.back()).empty()) lines_.pop_back();
    }

    Result<std::vector<FilePatch>> read() {
        skip_blank();
        if (!takes(begin_mark)) return wrong("expected " + std::string(begin_mark));
        std::vector<FilePatch> patches;
        while (at_ < lines_.size() && !is(end_mark)) {
            if (without_trailing(lines_[at_]).empty()) {
                ++at_;
                continue;
            }
            Result<FilePatch> patch = read_file();
            if (!patch) return patch.error();
            patches.push_back(std::move(*patch));
        }
        if (!takes(end_mark)) return wrong("expected " + std::string(end_mark));
        if (patches.empty()) return wrong("the patch changes nothing");
        return patches;
    }

  private:
    Error wrong(const std::string& what) const {
        return {Fault::bad_message, "line " + std::to_string(at_ + 1) + ": " + what};
    }
    void skip_blank() {
        while (at_ < lines_.size() && without_trailing(lines_[at_]).empty()) ++at_;
    }
    bool is(std::string_view mark) const {
        return at_ < lines_.size() && without_trailing(lines_[at_]) == mark;
    }
    bool takes(std::string_view mark) {
        if (!is(mark)) return false;
        ++at_;
        return true;
    }
    // What follows the mark on the line.
    std::optional<std::string> after(std::string_view mark) {
        if (at_ >= lines_.size() || !std::string_view(lines_[at_]).starts_with(mark)) return {};
        return std::string(without_trailing(std::string_view(lines_[at_++]).substr(mark.size())));
    }
    bool at_mark() const {
        return at_ >= lines_.size() || std::string_view(lines_[at_]).starts_with("*** ");
    }

    Result<FilePatch> read_file() {
        FilePatch patch;
        if (auto path = after(add_mark)) {
            patch.kind = FilePatch::Kind::add;
            patch.path = *path;
            for (; !at_mark(); ++at_) {
                if (!lines_[at_].starts_with('+'))
                    return wrong("a line of a new file begins with +");
                patch.content += lines_[at_].substr(1) + "\n";
            }
            return patch;
        }
        if (auto path = after(delete_mark)) {
            patch.kind = FilePatch::Kind::remove;
            patch.path = *path;
            return patch;
        }
        auto path = after(update_mark);
        if (!path) return wrong("expected a file to add, update or delete");
        patch.path = *path;
        if (auto target = after(move_mark)) patch.moved_to = *target;
        while (!at_mark()) {
            Result<PatchChunk> chunk = read_chunk();
            if (!chunk) return chunk.error();
            patch.chunks.push_back(std::move(*chunk));
        }
        if (patch.chunks.empty() && patch.moved_to.empty())
            return wrong(patch.path + " is not changed");
        return patch;
    }

    Result<PatchChunk> read_chunk() {
        PatchChunk chunk;
        if (is("@@")) {
            ++at_;
        } else if (auto anchor = after("@@ ")) {
            chunk.anchor = *anchor;
        }
        const size_t first = at_;
        for (; !at_mark() && !lines_[at_].starts_with("@@"); ++at_) {
            const std::string& line = lines_[at_];
            const char kind = line.empty() ? ' ' : line.front();
            const std::string text = line.empty() ? line : line.substr(1);
            if (kind != ' ' && kind != '-' && kind != '+')
                return wrong("a line of a change begins with a space, - or +");
            if (kind != '+') chunk.before.push_back(text);
            if (kind != '-') chunk.after.push_back(text);
        }
        if (at_ == first) return wrong("a change has no lines");
        chunk.at_end = takes(end_of_file_mark);
        return chunk;
    }

    Lines lines_;
    size_t at_ = 0;
};

// Finds lines among those of a file, as long as `steps` are left: as they are, or else without the
// blanks at their ends.
class LineSearch {
  public:
    LineSearch(const Views& lines, size_t& steps)
        : lines_(lines), trimmed_(without_blanks(lines)), steps_(steps) {}

    // Where `wanted` stands, from `start` on; the number of lines when it does not.
    size_t find(const Lines& wanted, size_t start, bool at_end) {
        const Views exact(wanted.begin(), wanted.end());
        const size_t found = find(exact, lines_, start, at_end);
        return found < lines_.size() ? found : find(without_blanks(exact), trimmed_, start, at_end);
    }
    bool gave_up() const { return steps_ == 0; }

  private:
    static Views without_blanks(Views lines) {
        for (std::string_view& line : lines) line = without_trailing(line);
        return lines;
    }
    size_t find(const Views& wanted, const Views& lines, size_t start, bool at_end) {
        if (at_end && lines.size() >= wanted.size())
            start = std::max(start, lines.size() - wanted.size());
        for (size_t at = start; at + wanted.size() <= lines.size() && steps_ > 0; ++at)
            if (stands_at(at, wanted, lines)) return at;
        return lines.size();
    }
    bool stands_at(size_t at, const Views& wanted, const Views& lines) {
        for (const std::string_view line : wanted) {
            const std::string_view there = lines[at++];
            // Lines of different lengths are told apart at once.
            const size_t cost = 1 + (line.size() == there.size() ? line.size() / 64 : 0);
            steps_ -= std::min(steps_, cost);
            if (steps_ == 0 || line != there) return false;
        }
        return true;
    }

    const Views& lines_;
    const Views trimmed_;
    size_t& steps_;
};

Error not_there(const LineSearch& search, const std::string& path, const std::string& what) {
    if (search.gave_up())
        return {Fault::bad_message, "finding the places of the changes in " + path +
                                        " takes too long; change less at once, or write the file "
                                        "anew"};
    return {Fault::bad_message, what};
}

// What is to be done to one file, once all of them are known to fit.
struct Change {
    FilePatch::Kind kind = FilePatch::Kind::update;
    std::string path;
    std::string target;
    std::string content;
};

Result<Change> change_for(const Workspace& workspace, const FilePatch& patch, size_t& steps) {
    Change change{patch.kind, patch.path, patch.path, patch.content};
    if (const Result<std::string> name = workspace.below(patch.path); !name) return name.error();
    if (patch.kind == FilePatch::Kind::add) {
        if (workspace.exists(patch.path))
            return Error{Fault::bad_message, patch.path + " is there already"};
        return change;
    }
    const Result<std::string> content = workspace.read(patch.path);
    if (!content) return content.error();
    if (patch.kind == FilePatch::Kind::remove) return change;
    Result<std::string> text = patched(*content, patch, steps);
    if (!text) return text.error();
    change.content = std::move(*text);
    if (patch.moved_to.empty()) return change;
    change.target = patch.moved_to;
    if (const Result<std::string> name = workspace.below(change.target); !name) return name.error();
    return change;
}

Done carry_out(const Workspace& workspace, const Change& change) {
    if (change.kind == FilePatch::Kind::remove) return workspace.remove(change.path);
    if (const Done done = workspace.write(change.target, change.content); !done) return done;
    return change.target == change.path ? Done() : workspace.remove(change.path);
}

const char* verb_of(FilePatch::Kind kind) {
    return kind == FilePatch::Kind::add ? "A " : kind == FilePatch::Kind::remove ? "D " : "M ";
}

}  // namespace

Result<std::vector<FilePatch>> read_patch(std::string_view text) {
    return PatchReader(text).read();
}

Result<std::string> patched(const std::string& content, const FilePatch& patch, size_t& steps) {
    const Views lines = lines_of(content);
    LineSearch search(lines, steps);
    std::string text;
    size_t from = 0;  // what is before it is in the text
    const auto keep_to = [&](size_t end) {
        for (; from < end; ++from) (text += lines[from]) += '\n';
    };
    for (const PatchChunk& chunk : patch.chunks) {
        if (!chunk.anchor.empty()) {
            const size_t anchor = search.find({chunk.anchor}, from, false);
            if (anchor == lines.size())
                return not_there(search, patch.path,
                                 "the line \"" + chunk.anchor + "\" is not in " + patch.path);
            keep_to(anchor + 1);
        }
        size_t at = lines.size();
        if (!chunk.before.empty()) {
            at = search.find(chunk.before, from, chunk.at_end);
            if (at == lines.size())
                return not_there(
                    search, patch.path,
                    "these lines are not in " + patch.path + ":\n" + chunk.before.front());
        } else if (!chunk.anchor.empty()) {
            at = from;
        }
        keep_to(at);
        from += chunk.before.size();
        for (const std::string& line : chunk.after) text += line + "\n";
    }
    keep_to(lines.size());
    return text;
}

Outcome apply_patch(const Workspace& workspace, const Json& arguments) {
    const Result<std::vector<FilePatch>> patches = read_patch(text_view(arguments, "input"));
    if (!patches) return error_outcome("The patch cannot be read: " + patches.error().what);
    std::vector<Change> changes;
    std::set<std::string> names;
    size_t steps = most_line_steps;
    for (const FilePatch& patch : *patches) {
        if (!names.insert(patch.path).second)
            return error_outcome("Nothing was changed: " + patch.path + " is named twice");
        Result<Change> change = change_for(workspace, patch, steps);
        if (!change) return error_outcome("Nothing was changed: " + change.error().what);
        changes.push_back(std::move(*change));
    }
    std::string summary = "Changed:";
    for (const Change& change : changes) {
        if (const Done done = carry_out(workspace, change); !done)
            return error_outcome(summary + "\nThen it failed: " + done.error().what);
        summary += "\n";
        summary += verb_of(change.kind) + change.target;
    }
    return text_outcome(summary);
}

}  // namespace tools
