// The model double as a program, for shells, benchmarks and tests in other languages: prints its
// port, answers until its input closes, then prints how many requests it saw to standard error.
//
//   model_double [--text TEXT | --echo] [--delay-ms N] [--between-ms N] [--piece BYTES]
//                [--status CODE] [--retry-after S] [--break-off-at BYTES] [--port N]
//                [--tls] [--record FILE] [--call NAME [--arguments JSON] [--until WORDS]]
//
// All three APIs are served, whatever the path begins with. With --tls the second line is the path
// of the authority's certificate. --record writes each request's body as one line. --call
// asks for the tool of that name wherever it is offered, until the user's text has the words.

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>

#include "tests/support/model_double.h"

namespace {

struct Settings {
    ModelReply reply;
    ModelDouble::Options options;
    bool echo = false;
    std::string record;
    std::string call;
    std::string arguments = "{}";
    std::string until;
};

[[noreturn]] void refuse(const std::string& argument) {
    std::fprintf(stderr, "model_double: unknown option or missing value: %s\n", argument.c_str());
    std::exit(2);
}

long number(const std::string& text) {
    return std::strtol(text.c_str(), nullptr, 10);
}

// False when the option is none of those with a value.
bool take_value(const std::string& name, const std::string& value, Settings& settings) {
    ModelReply& reply = settings.reply;
    if (name == "--text")
        reply.text = value;
    else if (name == "--thinking")
        reply.thinking = value;
    else if (name == "--delay-ms")
        reply.before_first = std::chrono::milliseconds(number(value));
    else if (name == "--between-ms")
        reply.between = std::chrono::milliseconds(number(value));
    else if (name == "--piece")
        reply.piece = static_cast<size_t>(number(value));
    else if (name == "--status")
        reply.status = static_cast<int>(number(value));
    else if (name == "--retry-after")
        reply.retry_after = value;
    else if (name == "--break-off-at")
        reply.break_off_at = static_cast<size_t>(number(value));
    else if (name == "--port")
        settings.options.port = static_cast<uint16_t>(number(value));
    else if (name == "--record")
        settings.record = value;
    else if (name == "--call")
        settings.call = value;
    else if (name == "--arguments")
        settings.arguments = value;
    else if (name == "--until")
        settings.until = value;
    else
        return name == "--api" && value == "any";
    return true;
}

Settings parse(int count, char** arguments) {
    Settings settings;
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        if (name == "--echo")
            settings.echo = true;
        else if (name == "--tls")
            settings.options.tls = true;
        else if (i + 1 >= count || !take_value(name, arguments[++i], settings))
            refuse(name);
    }
    return settings;
}

bool is_to_call(const Settings& settings, const std::string& body) {
    if (settings.call.empty() || body.find("\"name\":\"" + settings.call + "\"") == body.npos)
        return false;
    return settings.until.empty() || last_user_text(body).find(settings.until) == std::string::npos;
}

}  // namespace

int main(int count, char** arguments) {
    const Settings settings = parse(count, arguments);
    ModelDouble models(settings.options);
    std::mutex file_mutex;
    std::atomic<int> calls{0};
    models.answer_with([&](const ModelRequestSeen& request) {
        if (!settings.record.empty()) {
            const std::lock_guard lock(file_mutex);
            std::ofstream(settings.record, std::ios::app) << request.body << '\n';
        }
        ModelReply reply = settings.reply;
        if (settings.echo) reply.text = "You said: " + last_user_text(request.body);
        if (is_to_call(settings, request.body))
            reply.tools = {{"call_" + std::to_string(++calls), settings.call, settings.arguments}};
        return reply;
    });
    std::printf("%u\n", static_cast<unsigned>(models.port()));
    if (settings.options.tls) std::printf("%s\n", models.certificate_file().c_str());
    std::fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    std::fprintf(stderr, "%zu requests on %llu connections\n", models.requests().size(),
                 static_cast<unsigned long long>(models.connections()));
    return 0;
}
