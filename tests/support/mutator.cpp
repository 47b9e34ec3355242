#include "tests/support/mutator.h"

namespace {

std::string repeated(const std::string& text, size_t times) {
    std::string all;
    for (size_t count = 0; count < times; ++count) all += text;
    return all;
}

// What stands in place of something else, or beside it, in a text.
const std::vector<std::string>& odd_texts() {
    static const std::vector<std::string> texts = {
        R"("\ud800")",
        R"("\udc00\ud800")",
        R"("\u0000")",
        "1e999",
        "-0",
        "-1e-999",
        repeated("9", 400),
        "0x10",
        "NaN",
        "Infinity",
        "undefined",
        repeated("[", 100) + repeated("]", 100),
        repeated("{\"a\":", 3000),
        repeated("[", 50'000),
        "\"" + repeated("long ", 10'000) + "\"",
        "\"" + repeated("x", 600'000) + "\"",
        "\"\xff\xfe\"",
        std::string("\0", 1),
        "\xef\xbb\xbf",
        "/* */",
        "}",
        "]",
        "\"",
        ",",
        "\\",
        "\"id\":\"twice\",",
        "\"type\":\"res\",",
        "{\"$include\":\"/etc/passwd\"}",
        "\"${HOME}\"",
    };
    return texts;
}

}  // namespace

Json Mutator::odd_value() {
    switch (below(16)) {
        case 0:
            return nullptr;
        case 1:
            return below(2) == 0;
        case 2:
            return 0;
        case 3:
            return -1;
        case 4:
            return INT64_MIN;
        case 5:
            return UINT64_MAX;
        case 6:
            return 1.5e300;
        case 7:
            return 9007199254740993;
        case 8:
            return "";
        case 9:
            return std::string("nul\0 and \x1b[31m", 14);
        case 10:
            return "../../../../etc/passwd";
        case 11:
            return Json::array();
        case 12:
            return Json::object();
        case 13: {
            Json list = Json::array();
            for (int item = 0; item < 500; ++item) list.push_back(item % 3 ? Json(item) : Json());
            return list;
        }
        case 14: {
            Json deep = 1;
            for (int level = 0; level < 50; ++level) deep = Json{{"a", std::move(deep)}};
            return deep;
        }
        default:
            return repeated("\U0001f99e", below(2000));
    }
}

Json* Mutator::any_node(Json& tree) {
    Json* node = &tree;
    while (node->is_structured() && !node->empty() && below(4) != 0) {
        auto child = node->begin();
        std::advance(child, static_cast<long>(below(node->size())));
        node = &*child;
    }
    return node;
}

void Mutator::change_member(Json& node) {
    if (node.is_object() && !node.empty()) {
        auto member = node.begin();
        std::advance(member, static_cast<long>(below(node.size())));
        const std::string name = member.key();
        if (below(2) == 0) {
            Json value = *member;
            node[name + (below(2) == 0 ? "\n" : "X")] = std::move(value);
        }
        node.erase(name);
    } else if (node.is_object()) {
        node["__proto__"] = odd_value();
    } else if (node.is_array()) {
        node.push_back(odd_value());
    } else {
        node = odd_value();
    }
}

void Mutator::change(Json& tree) {
    Json& node = *any_node(tree);
    switch (below(4)) {
        case 0:
            return change_member(node);
        case 1:
            if (node.is_object()) {
                for (int extra = 0; extra < 200; ++extra)
                    node["extra" + std::to_string(extra)] = odd_value();
                return;
            }
            [[fallthrough]];
        default:
            node = odd_value();
    }
}

std::string Mutator::change(std::string text) {
    const size_t place = below(text.size() + 1);
    const std::string& odd = odd_texts()[below(odd_texts().size())];
    switch (below(5)) {
        case 0:
            return text.substr(0, place);
        case 1:
            return text.insert(place, odd);
        case 2:
            return text.erase(place, below(20));
        case 3: {
            // In place of a value: after some colon.
            const size_t colon = text.find(':', place);
            const size_t begin = colon == std::string::npos ? 0 : colon + 1;
            const size_t end = text.find_first_of(",}]", begin);
            return text.replace(begin, end == std::string::npos ? end : end - begin, odd);
        }
        default:
            if (place < text.size()) text[place] = static_cast<char>(below(256));
            return text;
    }
}

std::string Mutator::mutated(const std::string& text) {
    Result<Json> tree = parse_json(text);
    std::string made = text;
    if (tree && below(3) != 0) {
        for (size_t changes = 1 + below(3); changes > 0; --changes) change(*tree);
        made = print_json(*tree);
        if (below(4) != 0) return made;
    }
    for (size_t changes = 1 + below(3); changes > 0; --changes) made = change(std::move(made));
    return made;
}
