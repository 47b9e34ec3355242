#include "workers/telegram/formatting.h"

#include <md4c.h>

#include <algorithm>
#include <iterator>

#include "workers/common/channel/chunking.h"
#include "workers/telegram/text_units.h"

namespace telegram {

namespace {

// An href that Telegram follows; anything else is shown as text.
bool is_link(std::string_view url) {
    constexpr std::string_view schemes[] = {"http://", "https://", "tg://", "mailto:", "tel:"};
    return std::any_of(std::begin(schemes), std::end(schemes),
                       [&](std::string_view scheme) { return url.starts_with(scheme); });
}

// A table, row by row, until it is written as code.
struct Table {
    std::vector<std::vector<std::string>> rows;
    size_t head_rows = 0;
};

std::string drawn(const Table& table) {
    std::vector<size_t> widths;
    for (const auto& row : table.rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], units_of(row[i]));
    }
    std::string text;
    for (size_t r = 0; r < table.rows.size(); ++r) {
        std::string line;
        for (size_t i = 0; i < table.rows[r].size(); ++i) {
            if (i > 0) line += " | ";
            line += table.rows[r][i];
            line.append(widths[i] - units_of(table.rows[r][i]), ' ');
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
        if (r + 1 != table.head_rows) continue;
        for (size_t i = 0; i < widths.size(); ++i)
            text += (i > 0 ? "-+-" : "") + std::string(widths[i], '-');
        text += "\n";
    }
    return text;
}

class Writer {
  public:
    static int enter_block(MD_BLOCKTYPE type, void* detail, void* self) {
        return static_cast<Writer*>(self)->begin(type, detail);
    }
    static int leave_block(MD_BLOCKTYPE type, void*, void* self) {
        return static_cast<Writer*>(self)->end(type);
    }
    static int enter_span(MD_SPANTYPE type, void* detail, void* self) {
        return static_cast<Writer*>(self)->open(type, detail);
    }
    static int leave_span(MD_SPANTYPE type, void*, void* self) {
        return static_cast<Writer*>(self)->close(type);
    }
    static int take_text(MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* self) {
        return static_cast<Writer*>(self)->text(type, {text, size});
    }

    Formatted finish() {
        while (html_.ends_with('\n')) {
            html_.pop_back();
            --units_;
        }
        return {std::move(html_), units_};
    }

  private:
    struct List {
        bool is_ordered;
        unsigned next;
    };

    int begin(MD_BLOCKTYPE type, void* detail);
    int end(MD_BLOCKTYPE type);
    int open(MD_SPANTYPE type, void* detail);
    int close(MD_SPANTYPE type);
    void end_innermost_span();
    int text(MD_TEXTTYPE type, std::string_view text);

    void begin_item();
    void write_table();
    void write_entity(std::string_view entity);
    // A blank line before a block, unless it begins a list's item or the whole text.
    void separate(size_t lines) {
        if (is_fresh_item_ || html_.empty()) {
            is_fresh_item_ = false;
            return;
        }
        size_t have = 0;
        while (have < html_.size() && html_[html_.size() - 1 - have] == '\n') ++have;
        for (; have < lines; ++have) write("\n");
    }
    void write(std::string_view shown) {
        if (in_cell_) {
            table_.rows.back().back() += shown;
            return;
        }
        html_ += escape_html(shown);
        units_ += units_of(shown);
    }
    void tag(std::string_view markup) {
        if (!in_cell_) html_ += markup;
    }

    std::string html_;
    size_t units_ = 0;
    std::vector<List> lists_;
    bool is_fresh_item_ = false;
    bool in_cell_ = false;
    bool in_head_ = false;
    Table table_;
    std::vector<bool> links_;  // whether each open link has a tag
    std::vector<MD_SPANTYPE> spans_;
};

std::string attribute(const MD_ATTRIBUTE& value) {
    return {value.text, value.size};
}

int Writer::begin(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
        case MD_BLOCK_P:
        case MD_BLOCK_H:
            separate(lists_.empty() ? 2 : 1);
            break;
        case MD_BLOCK_UL:
            separate(lists_.empty() ? 2 : 1);
            lists_.push_back({false, 0});
            break;
        case MD_BLOCK_OL:
            separate(lists_.empty() ? 2 : 1);
            lists_.push_back({true, static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start});
            break;
        case MD_BLOCK_LI:
            begin_item();
            break;
        case MD_BLOCK_CODE: {
            separate(lists_.empty() ? 2 : 1);
            const std::string language =
                attribute(static_cast<MD_BLOCK_CODE_DETAIL*>(detail)->lang);
            tag(language.empty() ? "<pre><code>"
                                 : "<pre><code class=\"language-" + escape_html(language) + "\">");
            break;
        }
        case MD_BLOCK_HR:
            separate(2);
            write("———");
            break;
        case MD_BLOCK_TABLE:
            separate(2);
            table_ = {};
            break;
        case MD_BLOCK_THEAD:
            in_head_ = true;
            break;
        case MD_BLOCK_TR:
            table_.rows.emplace_back();
            if (in_head_) table_.head_rows = table_.rows.size();
            break;
        case MD_BLOCK_TH:
        case MD_BLOCK_TD:
            table_.rows.back().emplace_back();
            in_cell_ = true;
            break;
        default:
            break;
    }
    return 0;
}

int Writer::end(MD_BLOCKTYPE type) {
    while (!spans_.empty()) end_innermost_span();
    switch (type) {
        case MD_BLOCK_UL:
        case MD_BLOCK_OL:
            lists_.pop_back();
            is_fresh_item_ = false;
            break;
        case MD_BLOCK_LI:
            is_fresh_item_ = false;
            break;
        case MD_BLOCK_CODE:
            if (html_.ends_with('\n')) {
                html_.pop_back();
                --units_;
            }
            tag("</code></pre>");
            break;
        case MD_BLOCK_THEAD:
            in_head_ = false;
            break;
        case MD_BLOCK_TH:
        case MD_BLOCK_TD:
            in_cell_ = false;
            break;
        case MD_BLOCK_TABLE:
            write_table();
            break;
        default:
            break;
    }
    return 0;
}

void Writer::begin_item() {
    is_fresh_item_ = false;
    separate(1);
    List& list = lists_.back();
    write(std::string(2 * (lists_.size() - 1), ' '));
    write(list.is_ordered ? std::to_string(list.next++) + ". " : "• ");
    is_fresh_item_ = true;
}

void Writer::write_table() {
    std::string text = drawn(table_);
    if (!text.empty()) text.pop_back();
    tag("<pre>");
    write(text);
    tag("</pre>");
    table_ = {};
}

struct SpanTag {
    MD_SPANTYPE span;
    const char* begin;
    const char* end;
};
constexpr SpanTag span_tags[] = {
    {MD_SPAN_EM, "<i>", "</i>"},
    {MD_SPAN_STRONG, "<b>", "</b>"},
    {MD_SPAN_CODE, "<code>", "</code>"},
    {MD_SPAN_DEL, "<s>", "</s>"},
};

int Writer::open(MD_SPANTYPE type, void* detail) {
    spans_.push_back(type);
    for (const SpanTag& row : span_tags)
        if (row.span == type) tag(row.begin);
    if (type == MD_SPAN_A || type == MD_SPAN_IMG) {
        // A picture is shown as a link to it, named by what it says of itself.
        const std::string url = type == MD_SPAN_A
                                    ? attribute(static_cast<MD_SPAN_A_DETAIL*>(detail)->href)
                                    : attribute(static_cast<MD_SPAN_IMG_DETAIL*>(detail)->src);
        const bool nested = std::find(links_.begin(), links_.end(), true) != links_.end();
        links_.push_back(is_link(url) && !nested && !in_cell_);
        if (links_.back()) tag("<a href=\"" + escape_html(url) + "\">");
    }
    return 0;
}

// md4c tells of ends without beginnings where an address holds emphasis, as in [a](https://.**)b**.
int Writer::close(MD_SPANTYPE type) {
    if (std::find(spans_.begin(), spans_.end(), type) == spans_.end()) return 0;
    while (spans_.back() != type) end_innermost_span();
    end_innermost_span();
    return 0;
}

void Writer::end_innermost_span() {
    const MD_SPANTYPE type = spans_.back();
    spans_.pop_back();
    for (const SpanTag& row : span_tags)
        if (row.span == type) tag(row.end);
    if (type == MD_SPAN_A || type == MD_SPAN_IMG) {
        if (links_.back()) tag("</a>");
        links_.pop_back();
    }
}

int Writer::text(MD_TEXTTYPE type, std::string_view text) {
    is_fresh_item_ = false;
    switch (type) {
        case MD_TEXT_BR:
        case MD_TEXT_SOFTBR:
            write(in_cell_ ? " " : "\n");
            break;
        case MD_TEXT_NULLCHAR:
            break;
        case MD_TEXT_ENTITY:
            write_entity(text);
            break;
        default:
            write(text);
    }
    return 0;
}

void Writer::write_entity(std::string_view entity) {
    struct Known {
        std::string_view entity;
        std::string_view text;
    };
    constexpr Known known[] = {
        {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&nbsp;", " "},
    };
    for (const Known& row : known)
        if (row.entity == entity) return write(row.text);
    write(entity);
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

Formatted format_markdown(std::string_view markdown) {
    Writer writer;
    MD_PARSER parser{};
    parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_NOHTML |
                   MD_FLAG_NOINDENTEDCODEBLOCKS | MD_FLAG_PERMISSIVEATXHEADERS;
    parser.enter_block = Writer::enter_block;
    parser.leave_block = Writer::leave_block;
    parser.enter_span = Writer::enter_span;
    parser.leave_span = Writer::leave_span;
    parser.text = Writer::take_text;
    if (md_parse(markdown.data(), static_cast<MD_SIZE>(markdown.size()), &parser, &writer) != 0)
        return {escape_html(markdown), units_of(markdown)};
    return writer.finish();
}

std::vector<std::string> pieces_of(std::string_view markdown, size_t limit, bool by_paragraph) {
    ChunkLimits limits;
    limits.characters = std::min(limit, longest_text);
    limits.mode = by_paragraph ? ChunkMode::newline : ChunkMode::length;
    limits.measure = Measure::utf16_units;
    return chunk_text(markdown, limits);
}

Sendable sendable(std::string_view markdown, size_t longest) {
    Formatted formatted = format_markdown(markdown);
    // A table can grow by being drawn.
    if (formatted.units > longest || without_blanks_around(formatted.html).empty())
        return {std::string(markdown), false};
    return {std::move(formatted.html), true};
}

}  // namespace telegram
