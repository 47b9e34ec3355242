#include "workers/planner/redaction.h"

#include <algorithm>
#include <set>

#include "workers/planner/characters.h"
#include "workers/planner/json5.h"
#include "workers/planner/secrets.h"
#include "workers/planner/text_edit.h"

namespace planner {

namespace {

// A shorter value would be found inside words that are no secret.
constexpr size_t shortest_value = 8;

bool is_reference(std::string_view text) {
    if (text.size() < 4 || text.substr(0, 2) != "${" || text.back() != '}') return false;
    const std::string_view name = text.substr(2, text.size() - 3);
    return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
           std::string_view::npos;
}

bool holds_a_value(const Json& value) {
    return value.is_number() || (value.is_string() && !value.get_ref<const std::string&>().empty());
}

// Calls `visit` with each value that is no object and no list.
template <typename Value, typename Visit>
void each_leaf(Value& value, Path& path, const Visit& visit) {
    if (value.is_object()) {
        for (auto& [key, inner] : value.items()) {
            path.push_back(key);
            each_leaf(inner, path, visit);
            path.pop_back();
        }
    } else if (value.is_array()) {
        for (size_t index = 0; index < value.size(); ++index) {
            path.push_back(std::to_string(index));
            each_leaf(value[index], path, visit);
            path.pop_back();
        }
    } else {
        visit(value, path);
    }
}

struct Replacement {
    size_t begin;
    size_t end;
    std::string with;
};

void replace_all(std::string& text, std::vector<Replacement> replacements) {
    std::sort(replacements.begin(), replacements.end(),
              [](const auto& one, const auto& other) { return one.begin > other.begin; });
    for (const Replacement& replacement : replacements)
        text.replace(replacement.begin, replacement.end - replacement.begin, replacement.with);
}

std::string quoted_placeholder() {
    return "\"" + std::string(hidden) + "\"";
}

// The places of a readable text where a secret stands.
void find_secrets(const Json& value, const Source& source, Path& path,
                  std::vector<Replacement>& found) {
    for (const Bytes& bytes : source.overruled)
        found.push_back({bytes.begin, bytes.end, quoted_placeholder()});
    if (value.is_object()) {
        for (const auto& [key, inner] : value.items()) {
            path.push_back(key);
            find_secrets(inner, source.members.at(key), path, found);
            path.pop_back();
        }
    } else if (value.is_array()) {
        for (size_t index = 0; index < value.size(); ++index) {
            path.push_back(std::to_string(index));
            find_secrets(value[index], source.elements[index], path, found);
            path.pop_back();
        }
    } else if (is_secret_at(path) && holds_a_value(value)) {
        if (value.is_string() && is_reference(value.get_ref<const std::string&>())) return;
        found.push_back({source.bytes.begin, source.bytes.end, quoted_placeholder()});
    }
}

bool is_same(const Json& one, const Json& other) {
    return one == other || edits_between(one, other).empty();
}

const Json* child(const Json* value, const std::string& key) {
    if (!value || !value->is_object()) return nullptr;
    const auto found = value->find(key);
    return found == value->end() ? nullptr : &*found;
}

// What stands at one place in the three forms of the present configuration; null: nothing.
struct Place {
    const Json* merged = nullptr;
    const Json* shown_merged = nullptr;
    const Json* shown_config = nullptr;

    Place at(const std::string& key) const {
        return {child(merged, key), child(shown_merged, key), child(shown_config, key)};
    }
    Place at(size_t index) const {
        const auto element = [index](const Json* list) {
            return list && list->is_array() && index < list->size() ? &(*list)[index] : nullptr;
        };
        return {element(merged), element(shown_merged), element(shown_config)};
    }
    bool shows(const Json& value) const {
        return (shown_merged && is_same(value, *shown_merged)) ||
               (shown_config && is_same(value, *shown_config));
    }
};

const Json* value_at(const Json& config, const Path& path) {
    const Json* at = &config;
    for (const std::string& step : path) {
        if (at->is_array())
            at = std::stoul(step) < at->size() ? &(*at)[std::stoul(step)] : nullptr;
        else
            at = child(at, step);
        if (!at) return nullptr;
    }
    return at;
}

class Restorer {
  public:
    // An entry of a list that is farther from its place is taken for a new one.
    static constexpr size_t farthest_move = 64;

    Restorer(Kind kind, bool drops_defaults) : kind_(kind), drops_defaults_(drops_defaults) {}

    void walk(Json& value, const Place& place) {
        if (place.merged && place.shows(value) && !(is_guess_ && holds_placeholder(value))) {
            value = *place.merged;
        } else if (value.is_object()) {
            walk_object(value, place);
        } else if (value.is_array()) {
            walk_list(value, place);
        } else if (is_placeholder(value)) {
            if (!refused_.empty()) return;
            refused_ = dotted(path_);
            is_unclear_ = is_guess_;
        }
    }

    Done outcome() const {
        if (refused_.empty()) return {};
        if (is_unclear_)
            return Error{Fault::bad_message,
                         refused_ +
                             ": the placeholder of a hidden value stands here, in a list that has "
                             "become longer or shorter, and it cannot be told which entry it was "
                             "of; write the value itself, or change the entry in a save of its "
                             "own"};
        return Error{Fault::bad_message,
                     refused_ +
                         ": the placeholder of a hidden value stands here, but the file has "
                         "no such value; write the value itself"};
    }

  private:
    void inside(const std::string& step, Json& value, const Place& place) {
        path_.push_back(step);
        walk(value, place);
        path_.pop_back();
    }

    void walk_object(Json& object, const Place& place) {
        for (auto member = object.begin(); member != object.end();) {
            const Place inner = place.at(member.key());
            const bool was_default = drops_defaults_ && !inner.merged && inner.shown_config;
            if (was_default && is_same(*member, *inner.shown_config)) {
                member = object.erase(member);
                continue;
            }
            inside(member.key(), *member, inner);
            // A section that held nothing but defaults.
            if (was_default && member->is_object() && member->empty())
                member = object.erase(member);
            else
                ++member;
        }
        if (kind_ == Kind::whole) add_what_was_not_shown(object, place);
    }

    static void add_what_was_not_shown(Json& object, const Place& place) {
        if (!place.merged || !place.merged->is_object() || !place.shown_config) return;
        for (const auto& [key, value] : place.merged->items())
            if (!object.contains(key) && !place.shown_config->contains(key)) object[key] = value;
    }

    // Entries that moved are followed. Where that is not sure, what is no secret is taken from the
    // old place, but no secret.
    void walk_list(Json& list, const Place& place) {
        const bool was_guess = is_guess_;
        bool is_as_shown = true;  // up to here
        for (size_t index = 0; index < list.size(); ++index) {
            const Place found = counterpart(list[index], index, place);
            is_as_shown = is_as_shown && place.at(index).shows(list[index]);
            const bool is_sure = (is_as_shown && list.size() >= count_of(place)) ||
                                 is_known(list[index], list.size(), place);
            is_guess_ = was_guess || !is_sure;
            inside(std::to_string(index), list[index], found);
        }
        is_guess_ = was_guess;
    }

    static size_t count_of(const Place& list) {
        return list.merged && list.merged->is_array() ? list.merged->size() : 0;
    }

    // Whether it is clear which entry of the file this one was: by its id, by its place in a list
    // that has kept its length, or since all that look like it are the same.
    static bool is_known(const Json& element, size_t count_now, const Place& list) {
        const size_t count = count_of(list);
        if (count_now == count || count == 0) return true;
        const std::string id = text_member(element, "id");
        const Json* known = nullptr;
        for (size_t other = 0; other < count; ++other) {
            if (!id.empty() && text_member((*list.merged)[other], "id") == id) return true;
            if (!list.at(other).shows(element)) continue;
            if (known && *known != (*list.merged)[other]) return false;
            known = &(*list.merged)[other];
        }
        return known;
    }

    static bool holds_placeholder(const Json& value) {
        if (!value.is_structured()) return is_placeholder(value);
        return std::any_of(value.begin(), value.end(), holds_placeholder);
    }

    static bool is_placeholder(const Json& value) {
        return value.is_string() &&
               value.get_ref<const std::string&>().find(hidden) != std::string::npos;
    }

    // Entries with an id are followed when they move; others as long as they stay what was shown.
    static Place counterpart(const Json& element, size_t index, const Place& list) {
        const size_t count = count_of(list);
        const std::string id = text_member(element, "id");
        if (!id.empty())
            for (size_t other = 0; other < count; ++other)
                if (text_member((*list.merged)[other], "id") == id) return list.at(other);
        const Place same = list.at(index);
        if (same.shows(element) || is_placeholder(element)) return same;
        for (size_t way = 1; way <= farthest_move; ++way)
            for (const size_t other : {index + way, index - way})  // below 0 is beyond the end
                if (other < count && list.at(other).shows(element)) return list.at(other);
        return same;
    }

    Kind kind_;
    bool drops_defaults_;
    Path path_;
    std::string refused_;
    bool is_guess_ = false;    // what stands here may have been elsewhere
    bool is_unclear_ = false;  // and so was refused_
};

// Whether every default that was shown is there: the client saves what it was shown.
bool holds_all_defaults(const Json& sent, const Json& merged, const Json& shown) {
    if (!shown.is_object()) return true;
    for (const auto& [key, value] : shown.items()) {
        const bool is_own = merged.is_object() && merged.contains(key);
        if (!is_own && !(sent.is_object() && sent.contains(key))) return false;
        if (is_own && value.is_object() && sent.is_object() && sent.contains(key) &&
            !holds_all_defaults(sent[key], merged[key], value))
            return false;
    }
    return true;
}

}  // namespace

Redaction::Redaction(const LoadedConfig& config) {
    std::set<std::string> values;
    Path path;
    each_leaf(config.resolved, path, [&](const Json& value, const Path& at) {
        if (value.is_string() && is_secret_at(at)) values.insert(value.get<std::string>());
    });
    for (const auto& [name, variable] : config.environment.all())
        if (names_a_secret(name)) values.insert(variable.value);
    for (const std::string& value : values)
        if (value.size() >= shortest_value) values_.push_back(value);
    std::sort(values_.begin(), values_.end(),
              [](const auto& one, const auto& other) { return one.size() > other.size(); });
}

std::string Redaction::without_values(std::string text) const {
    for (const std::string& value : values_)
        for (size_t at = text.find(value); at != std::string::npos;
             at = text.find(value, at + hidden.size()))
            text.replace(at, value.size(), hidden);
    return text;
}

void Redaction::hide(Json& value, Path& path) const {
    each_leaf(value, path, [&](Json& leaf, const Path& at) {
        if (!holds_a_value(leaf)) return;
        const bool is_text = leaf.is_string();
        if (is_text && is_reference(leaf.get_ref<const std::string&>())) return;
        if (is_secret_at(at))
            leaf = std::string(hidden);
        else if (is_text)
            leaf = without_values(leaf.get<std::string>());
    });
}

Json Redaction::shown(const Json& config) const {
    Json copy = config;
    Path path;
    hide(copy, path);
    return copy;
}

std::string Redaction::shown_text(std::string_view text) const {
    const Json5Reading reading = read_json5(text);
    if (reading.failure) return without_values(shown_unreadable(text));
    std::vector<Replacement> found;
    Path path;
    find_secrets(reading.value, reading.source, path, found);
    std::string shown(text);
    replace_all(shown, std::move(found));
    return without_values(std::move(shown));
}

// Nothing says where a value ends in a text that cannot be read: after the name of a secret key
// everything up to the quote that closes it goes, else the rest of the line.
std::string Redaction::shown_unreadable(std::string_view text) const {
    constexpr std::string_view letters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$";
    constexpr std::string_view between = " \t\r\n\"'";
    std::string shown;
    size_t at = 0;
    while (at < text.size()) {
        const size_t word_end = std::min(text.find_first_not_of(letters, at), text.size());
        if (word_end == at) {
            shown += text[at++];
            continue;
        }
        const std::string_view word = text.substr(at, word_end - at);
        const size_t colon = std::min(text.find_first_not_of(between, word_end), text.size());
        shown += word;
        at = word_end;
        if (!is_secret_key(word) || colon == text.size() || text[colon] != ':') continue;
        const size_t value = std::min(text.find_first_not_of(" \t\r\n", colon + 1), text.size());
        if (value == text.size()) break;
        const char quote = text[value];
        const bool is_quoted = quote == '"' || quote == '\'';
        const size_t line_end = std::min(text.find_first_of("\r\n", value), text.size());
        size_t end = line_end;
        if (is_quoted) end = std::min(text.find(quote, value + 1), line_end - 1) + 1;
        if (text[value] == '{' || text[value] == '[') continue;
        shown += text.substr(word_end, value - word_end);
        shown += quoted_placeholder();
        at = std::max(end, value);
    }
    return shown;
}

Done restore(Json& sent, const Seen& seen, Kind kind) {
    const bool drops_defaults =
        kind == Kind::whole && holds_all_defaults(sent, seen.merged, seen.shown_config);
    Restorer restorer{kind, drops_defaults};
    restorer.walk(sent, {&seen.merged, &seen.shown_merged, &seen.shown_config});
    return restorer.outcome();
}

Done restore_text(std::string& text, const Seen& seen) {
    Json5Reading reading = read_json5(text);
    if (reading.failure) return {};
    Json restored = reading.value;
    Restorer restorer{Kind::patch, false};
    restorer.walk(restored, {&seen.merged, &seen.shown_merged, &seen.shown_config});
    if (Done whole = restorer.outcome(); !whole) return whole;
    std::vector<Edit> edits;
    Path path;
    // Only values that hold a placeholder: the rest is the client's own spelling.
    each_leaf(reading.value, path, [&](const Json& leaf, const Path& at) {
        if (leaf.is_string() &&
            leaf.get_ref<const std::string&>().find(hidden) != std::string::npos)
            if (const Json* value = value_at(restored, at)) edits.push_back({at, *value});
    });
    for (const Edit& edit : edits)
        if (Done done = apply_edit(text, edit); !done) return done;
    return {};
}

}  // namespace planner
