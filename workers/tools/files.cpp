#include "workers/tools/files.h"

#include <algorithm>
#include <utility>

#include "workers/tools/base64.h"

namespace tools {

namespace {

constexpr size_t largest_image = 5u << 20;

struct ImageType {
    std::string_view beginning;
    const char* type;
};
constexpr ImageType image_types[] = {
    {"\x89PNG\r\n\x1a\n", "image/png"},
    {"\xff\xd8\xff", "image/jpeg"},
    {"GIF87a", "image/gif"},
    {"GIF89a", "image/gif"},
};

const char* image_type(std::string_view content) {
    for (const ImageType& row : image_types)
        if (content.starts_with(row.beginning)) return row.type;
    if (content.starts_with("RIFF") && content.substr(0, 12).ends_with("WEBP")) return "image/webp";
    return nullptr;
}

Outcome image_outcome(const std::string& name, const std::string& content, const char* type) {
    if (content.size() > largest_image)
        return error_outcome(name + " is an image of more than 5 MiB");
    Outcome outcome = text_outcome("Image " + name + " (" + type + ")");
    outcome.content.push_back(
        Json{{"type", "image"}, {"data", base64(content)}, {"mimeType", type}});
    return outcome;
}

struct Excerpt {
    std::string text;
    size_t first = 1;  // line
    size_t last = 0;
    size_t lines = 0;  // of the whole
};

// Lines from `first` on, whole ones, as many as fit.
Excerpt excerpt(std::string_view content, size_t first, size_t most) {
    Excerpt part;
    part.first = first;
    bool is_full = false;
    size_t number = 0;
    while (!content.empty()) {
        const size_t line_break = content.find('\n');
        const std::string_view line =
            content.substr(0, line_break == std::string_view::npos ? line_break : line_break + 1);
        content.remove_prefix(line.size());
        ++number;
        if (number < first || is_full) continue;
        if (number >= first + most || part.text.size() + line.size() > most_read_bytes) {
            is_full = true;
            // One line that is longer than all that may be shown: its beginning.
            if (part.text.empty()) {
                part.text = std::string(line.substr(0, most_read_bytes));
                part.last = number;
            }
            continue;
        }
        part.text += line;
        part.last = number;
    }
    part.lines = number;
    return part;
}

size_t count_of(std::string_view text, std::string_view wanted) {
    size_t count = 0;
    for (size_t at = text.find(wanted); at != std::string_view::npos;
         at = text.find(wanted, at + wanted.size()))
        ++count;
    return count;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

std::vector<std::string> words_of(const std::string& query) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : lower(query) + " ") {
        const bool part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
        if (part) {
            word += c;
        } else if (word.size() > 1) {
            words.push_back(std::exchange(word, {}));
        } else {
            word.clear();
        }
    }
    return words;
}

std::vector<std::string> memory_files(const Workspace& workspace) {
    std::vector<std::string> names;
    for (const char* name : {"MEMORY.md", "memory.md"})
        if (workspace.exists(name)) names.emplace_back(name);
    for (const std::string& name : workspace.list("memory"))
        if (name.ends_with(".md")) names.push_back("memory/" + name);
    return names;
}

struct Passage {
    std::string file;
    size_t first = 0;
    size_t last = 0;
    std::string text;
    double score = 0;
};

constexpr size_t passage_lines = 12;
constexpr size_t longest_passage = 4'000;  // bytes
// Of all memory files together: commands write there, too.
constexpr size_t most_searched = 8u << 20;

// Pieces of a file with the share of the query's words that are in each.
void score_passages(const std::string& file, const std::string& content,
                    const std::vector<std::string>& words, std::vector<Passage>& found) {
    std::string_view rest = content;
    for (size_t first = 1; !rest.empty();) {
        size_t end = 0;
        size_t lines = 0;
        while (lines < passage_lines && end < rest.size()) {
            const size_t line_break = rest.find('\n', end);
            end = line_break == std::string_view::npos ? rest.size() : line_break + 1;
            ++lines;
        }
        const std::string text(rest.substr(0, end));
        const std::string lowered = lower(text);
        size_t hits = 0;
        for (const std::string& word : words) hits += lowered.find(word) != std::string::npos;
        if (hits > 0)
            found.push_back({file, first, first + lines - 1, text.substr(0, longest_passage),
                             static_cast<double>(hits) / static_cast<double>(words.size())});
        rest.remove_prefix(end);
        first += lines;
    }
}

}  // namespace

Outcome read_file(const Workspace& workspace, const Json& arguments) {
    const std::string name = text_member(arguments, "path");
    const Result<std::string> content = workspace.read(name);
    if (!content) return error_outcome(content.error().what);
    if (const char* type = image_type(*content)) return image_outcome(name, *content, type);
    const auto first =
        static_cast<size_t>(std::max<int64_t>(1, int_member(arguments, "offset", 1)));
    const auto most = static_cast<size_t>(std::clamp<int64_t>(
        int_member(arguments, "limit", most_lines), 1, static_cast<int64_t>(most_lines)));
    Excerpt part = excerpt(*content, first, most);
    if (part.last == 0 && first > 1)
        return error_outcome(name + " has only " + std::to_string(part.lines) + " lines");
    if (part.last < part.lines)
        part.text += "\n[Lines " + std::to_string(first) + " to " + std::to_string(part.last) +
                     " of " + std::to_string(part.lines) + ". Go on with offset " +
                     std::to_string(part.last + 1) + ".]";
    return text_outcome(part.text.empty() ? "(the file is empty)" : part.text);
}

Outcome write_file(const Workspace& workspace, const Json& arguments) {
    const std::string name = text_member(arguments, "path");
    const std::string content = text_member(arguments, "content");
    if (const Done done = workspace.write(name, content); !done)
        return error_outcome(done.error().what);
    return text_outcome("Wrote " + std::to_string(content.size()) + " bytes to " + name + ".");
}

Outcome edit_file(const Workspace& workspace, const Json& arguments) {
    const std::string name = text_member(arguments, "path");
    const std::string before = text_member(arguments, "oldText");
    if (before.empty()) return error_outcome("oldText is empty");
    Result<std::string> content = workspace.read(name);
    if (!content) return error_outcome(content.error().what);
    const size_t count = count_of(*content, before);
    if (count != 1)
        return error_outcome(count == 0 ? "oldText is not in " + name + "; it has to match exactly"
                                        : "oldText is in " + name + " " + std::to_string(count) +
                                              " times; add what is around the one that is meant");
    content->replace(content->find(before), before.size(), text_member(arguments, "newText"));
    if (const Done done = workspace.write(name, *content); !done)
        return error_outcome(done.error().what);
    return text_outcome("Changed " + name + ".");
}

Outcome search_memory(const Workspace& workspace, const Json& arguments) {
    const std::vector<std::string> words = words_of(text_member(arguments, "query"));
    if (words.empty()) return error_outcome("query has no words to look for");
    std::vector<Passage> found;
    size_t searched = 0;
    for (const std::string& file : memory_files(workspace)) {
        const Result<std::string> content = workspace.read(file);
        if (!content || searched + content->size() > most_searched) continue;
        searched += content->size();
        score_passages(file, *content, words, found);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Passage& a, const Passage& b) { return a.score > b.score; });
    const auto most =
        static_cast<size_t>(std::clamp<int64_t>(int_member(arguments, "maxResults", 6), 1, 20));
    if (found.size() > most) found.resize(most);
    Json results = Json::array();
    for (const Passage& passage : found)
        results.push_back({{"path", passage.file},
                           {"startLine", passage.first},
                           {"endLine", passage.last},
                           {"score", passage.score},
                           {"snippet", passage.text}});
    const Json payload{{"results", results}};
    return text_outcome(print_json(payload), payload);
}

Outcome get_memory(const Workspace& workspace, const Json& arguments) {
    const Result<std::string> name = workspace.below(text_member(arguments, "path"));
    if (!name) return error_outcome(name.error().what);
    const std::vector<std::string> files = memory_files(workspace);
    if (std::find(files.begin(), files.end(), *name) == files.end())
        return error_outcome(*name + " is no memory file");
    Json wanted{{"path", *name}};
    if (arguments.contains("from")) wanted["offset"] = arguments["from"];
    if (arguments.contains("lines")) wanted["limit"] = arguments["lines"];
    return read_file(workspace, wanted);
}

}  // namespace tools
