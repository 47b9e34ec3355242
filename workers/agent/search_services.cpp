#include "workers/agent/search_services.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

namespace agent {

namespace {

constexpr int64_t most_results = 10;
constexpr std::string_view brave_periods[] = {"pd", "pw", "pm", "py"};
constexpr const char* brave_schema = R"({"type":"object","properties":{
"query":{"type":"string"},
"count":{"type":"integer","description":"1 to 10"},
"country":{"type":"string","description":"Two letters, or ALL"},
"search_lang":{"type":"string","description":"Language of the results, as de"},
"ui_lang":{"type":"string","description":"Language of the service's own words, as de-DE"},
"freshness":{"type":"string","description":"pd, pw, pm, py: of the last day, week, month, year; or YYYY-MM-DDtoYYYY-MM-DD"}},
"required":["query"]})";
constexpr const char* perplexity_schema = R"({"type":"object","properties":{
"query":{"type":"string","description":"What to find out, as a question"}},
"required":["query"]})";

std::optional<int> date_number(std::string_view text) {
    int number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return {};
    return number;
}

// "2026-01-31"
bool is_calendar_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    const auto year = date_number(text.substr(0, 4));
    const auto month = date_number(text.substr(5, 2));
    const auto day = date_number(text.substr(8, 2));
    if (!year || !month || !day || *month < 1 || *day < 1) return false;
    return std::chrono::year_month_day(std::chrono::year(*year),
                                       std::chrono::month(static_cast<unsigned>(*month)),
                                       std::chrono::day(static_cast<unsigned>(*day)))
        .ok();
}

bool is_freshness(std::string_view text) {
    if (std::find(std::begin(brave_periods), std::end(brave_periods), text) !=
        std::end(brave_periods))
        return true;
    return text.size() == 22 && text.substr(10, 2) == "to" &&
           is_calendar_date(text.substr(0, 10)) && is_calendar_date(text.substr(12)) &&
           text.substr(0, 10) <= text.substr(12);
}

std::string brave_problem(const Json& arguments) {
    const std::string_view freshness = text_view(arguments, "freshness");
    if (freshness.empty() || is_freshness(freshness)) return {};
    return "freshness must be pd, pw, pm, py or a range YYYY-MM-DDtoYYYY-MM-DD";
}

HttpRequest brave_request(const Json& config, const std::string& url, const Json& arguments) {
    const int64_t count = std::clamp<int64_t>(
        int_member(arguments, "count", int_member(config, "maxResults", 5)), 1, most_results);
    HttpRequest request;
    request.url = url + "?q=" + url_encoded(text_view(arguments, "query")) +
                  "&count=" + std::to_string(count);
    for (const char* name : {"country", "search_lang", "ui_lang", "freshness"})
        if (const std::string_view value = text_view(arguments, name); !value.empty())
            request.url += "&" + std::string(name) + "=" + url_encoded(value);
    return request;
}

std::string brave_key(const std::string& key) {
    return "x-subscription-token: " + key;
}

// Marks of what was found in the text are for a page, not for a model.
std::string without_marks(const std::string& text) {
    std::string plain;
    for (std::string_view rest = text; !rest.empty();) {
        const size_t sign = std::min(rest.find('<'), rest.size());
        plain += rest.substr(0, sign);
        rest.remove_prefix(sign);
        size_t length = 0;
        for (const std::string_view mark : {"<strong>", "</strong>"})
            if (rest.starts_with(mark)) length = mark.size();
        if (length == 0 && !rest.empty()) plain += rest[length++];
        rest.remove_prefix(length);
    }
    return plain;
}

std::string brave_results(const Json& answer) {
    std::string text;
    for (const Json& result : member_at(answer, "web.results")) {
        const std::string age = text_member(result, "age");
        text += "- " + without_marks(text_member(result, "title")) +
                (age.empty() ? "" : " (" + age + ")") + "\n  " + text_member(result, "url") +
                "\n  " + without_marks(text_member(result, "description")) + "\n";
    }
    return text;
}

std::string perplexity_problem(const Json& arguments) {
    if (text_view(arguments, "freshness").empty()) return {};
    return "freshness is known to Brave only; say in the query how recent it must be";
}

// OpenRouter names the maker before the model, Perplexity itself does not know that name.
std::string perplexity_model(const Json& config, const std::string& url) {
    constexpr std::string_view maker = "perplexity/";
    std::string model = text_member(member(config, "perplexity"), "model");
    if (model.empty()) model = "perplexity/sonar-pro";
    if (host_of_url(url) == "api.perplexity.ai" && model.starts_with(maker))
        model.erase(0, maker.size());
    return model;
}

HttpRequest perplexity_request(const Json& config, const std::string& url, const Json& arguments) {
    std::string base = text_member(member(config, "perplexity"), "baseUrl");
    if (base.empty()) base = url;
    while (base.ends_with('/')) base.pop_back();
    HttpRequest request;
    request.method = "POST";
    request.url = base + "/chat/completions";
    request.headers = {"content-type: application/json"};
    request.body = print_json(
        {{"model", perplexity_model(config, base)},
         {"messages",
          Json::array({{{"role", "user"}, {"content", text_member(arguments, "query")}}})}});
    return request;
}

std::string bearer_key(const std::string& key) {
    return "authorization: Bearer " + key;
}

void add_source(std::string& list, int& number, const std::string& url, const std::string& title) {
    if (url.empty()) return;
    list += "[" + std::to_string(++number) + "] " + (title.empty() ? "" : title + " ") + url + "\n";
}

// The numbers in the answer's text count these. OpenRouter may send them as notes to the message.
std::string perplexity_sources(const Json& answer, const Json& message) {
    std::string list;
    int number = 0;
    for (const Json& url : member(answer, "citations"))
        if (url.is_string()) add_source(list, number, url.get<std::string>(), "");
    if (!list.empty()) return list;
    for (const Json& note : member(message, "annotations")) {
        const Json& cited = member(note, "url_citation");
        add_source(list, number, text_member(cited, "url"), text_member(cited, "title"));
    }
    return list;
}

std::string perplexity_results(const Json& answer) {
    const Json& choices = member(answer, "choices");
    if (!choices.is_array() || choices.empty()) return {};
    const Json& message = member(choices.front(), "message");
    const std::string text = text_member(message, "content");
    if (text.empty()) return {};
    const std::string sources = perplexity_sources(answer, message);
    return text + "\n" + (sources.empty() ? "" : "\nSources:\n" + sources);
}

constexpr SearchService services[] = {
    {"brave", "tools.web.search.apiKey", "BRAVE_API_KEY or tools.web.search.apiKey",
     "Search the web. Returns titles, addresses and excerpts.", brave_schema,
     "https://api.search.brave.com/res/v1/web/search", brave_problem, brave_request, brave_key,
     brave_results},
    {"perplexity", "tools.web.search.perplexity.apiKey",
     "PERPLEXITY_API_KEY, OPENROUTER_API_KEY or tools.web.search.perplexity.apiKey",
     "Search the web. Returns an answer with its sources, written by Perplexity.",
     perplexity_schema, "https://openrouter.ai/api/v1", perplexity_problem, perplexity_request,
     bearer_key, perplexity_results},
};

}  // namespace

const SearchService* search_service(const Json& config) {
    std::string name = text_member(config, "provider");
    for (char& c : name)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (name.empty()) return &services[0];
    for (const SearchService& service : services)
        if (service.name == name) return &service;
    return nullptr;
}

std::string url_encoded(std::string_view text) {
    constexpr const char* digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain)
            out += c;
        else
            out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
    return out;
}

}  // namespace agent
