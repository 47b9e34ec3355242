// The double of Telegram's Bot API as a program, for tests in other languages and for trying things
// by hand: prints its address, its token and its authority's certificate as one line of JSON; then
// takes commands as lines of JSON and answers each with one, until its input closes.
//
//   telegram_double [--plain] [--port N] [--token TOKEN]
//
//   {"do":"say","chat":555,"user":555,"text":"hello","extra":{}}   -> {"id":1}
//   {"do":"push","update":{"callback_query":{...}}}                -> {"id":9001}
//   {"do":"file","bytes":"...","path":"documents/a.txt"}           -> {"id":"file-1"}
//   {"do":"messages","chat":555}                                   -> {"messages":[...]}
//   {"do":"calls","method":"getUpdates"}                           -> {"calls":[...]}
//   {"do":"fail","method":"sendMessage","what":"refuse","code":429,"description":"...",
//    "retry_after":1,"times":1}                                    -> {}
//   {"do":"down","on":true}  {"do":"cut"}  {"do":"revoke"}         -> {}
//   {"do":"black_hole","on":true}  {"do":"short_polls","on":true}  -> {}
//   {"do":"state"}                                                 -> {"unconfirmed":0,...}

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/support/telegram_double.h"

namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& argument) {
    std::fprintf(stderr, "telegram_double: unknown option or missing value: %s\n",
                 argument.c_str());
    std::exit(2);
}

TelegramDouble::Options parse(int count, char** arguments) {
    TelegramDouble::Options options;
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        if (name == "--plain")
            options.tls = false;
        else if (name == "--port" && i + 1 < count)
            options.port = static_cast<uint16_t>(std::atoi(arguments[++i]));
        else if (name == "--token" && i + 1 < count)
            options.token = arguments[++i];
        else
            refuse(name);
    }
    return options;
}

Json shown(const TelegramMessage& message) {
    return {{"id", message.id},
            {"text", message.text},
            {"entities", message.entities},
            {"fromBot", message.from_bot},
            {"thread", message.thread_id},
            {"replyTo", message.reply_to},
            {"file", message.file},
            {"fileName", message.file_name},
            {"fileBytes", message.file_bytes},
            {"edits", message.edits},
            {"reactions", message.reactions}};
}

Json say(TelegramDouble& telegram, const Json& command) {
    return {{"id", telegram.say(command.at("chat"), command.at("user"), command.value("text", ""),
                                command.value("extra", Json::object()))}};
}

Json messages(TelegramDouble& telegram, const Json& command) {
    Json list = Json::array();
    for (const TelegramMessage& message : telegram.messages(command.at("chat")))
        list.push_back(shown(message));
    return {{"messages", std::move(list)}};
}

Json calls(TelegramDouble& telegram, const Json& command) {
    Json list = Json::array();
    for (const TelegramCall& call : telegram.calls(command.value("method", "")))
        list.push_back({{"method", call.method}, {"params", call.params}});
    return {{"calls", std::move(list)}};
}

Json fail(TelegramDouble& telegram, const Json& command) {
    using What = TelegramFault::What;
    const std::map<std::string, What> kinds = {{"refuse", What::refuse},
                                               {"status", What::status},
                                               {"reset_before", What::reset_before},
                                               {"reset_after", What::reset_after},
                                               {"half_answer", What::half_answer},
                                               {"no_answer", What::no_answer}};
    TelegramFault fault;
    fault.what = kinds.at(command.value("what", "refuse"));
    fault.code = command.value("code", fault.code);
    fault.description = command.value("description", fault.description);
    fault.retry_after = command.value("retry_after", 0);
    fault.times = command.value("times", 1);
    telegram.fail(command.at("method"), fault);
    return Json::object();
}

Json perform(TelegramDouble& telegram, const Json& command) {
    const std::string what = command.at("do");
    if (what == "say") return say(telegram, command);
    if (what == "push") return {{"id", telegram.push(command.at("update"))}};
    if (what == "file")
        return {{"id", telegram.add_file(command.at("bytes"),
                                         command.value("path", "documents/file_1"))}};
    if (what == "messages") return messages(telegram, command);
    if (what == "calls") return calls(telegram, command);
    if (what == "fail") return fail(telegram, command);
    if (what == "state")
        return {{"unconfirmed", telegram.unconfirmed()},
                {"polled", telegram.is_polled()},
                {"commands", telegram.commands()},
                {"webhook", telegram.webhook_url()}};
    if (what == "down")
        telegram.set_down(command.at("on"));
    else if (what == "black_hole")
        telegram.black_hole(command.at("on"));
    else if (what == "short_polls")
        telegram.answer_polls_at_once(command.at("on"));
    else if (what == "cut")
        telegram.cut_connections();
    else if (what == "revoke")
        telegram.revoke_token();
    else
        return {{"error", "no such command: " + what}};
    return Json::object();
}

}  // namespace

int main(int count, char** arguments) {
    TelegramDouble telegram(parse(count, arguments));
    std::cout << Json({{"url", telegram.url()},
                       {"token", telegram.token()},
                       {"certificate", telegram.certificate_file()}})
              << std::endl;
    std::string line;
    while (std::getline(std::cin, line)) {
        try {
            std::cout << perform(telegram, Json::parse(line)) << std::endl;
        } catch (const std::exception& failure) {
            std::cout << Json({{"error", failure.what()}}) << std::endl;
        }
    }
}
