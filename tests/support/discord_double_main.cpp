// The double of Discord as a program: prints the URL of its API and the path of its authority's
// certificate, then does what its input says, a line each, until that closes.
//
//   discord_double [--port N] [--heartbeat-ms N]
//
//   say CHANNEL USER TEXT    somebody writes; prints "said ID"
//   written CHANNEL          prints "written JSON": what the bot has written there
//   reconnect                asks all clients to reconnect
//   close CODE               closes all connections of the gateway
//   drop                     cuts all connections
//   command CHANNEL USER NAME [TEXT]   a native command; prints "commanded ID"
//   counts                   prints "counts JSON"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "tests/support/discord_double.h"

namespace {

using Json = DiscordDouble::Json;

void obey(DiscordDouble& discord, const std::string& line) {
    std::istringstream words(line);
    std::string verb, channel, user, name;
    words >> verb;
    const auto rest = [&] {
        std::string text;
        std::getline(words, text);
        return text.empty() ? text : text.substr(1);
    };
    if (verb == "say") {
        words >> channel >> user;
        std::cout << "said " << discord.say(channel, user, rest()) << std::endl;
    } else if (verb == "written") {
        words >> channel;
        std::cout << "written " << Json(discord.written(channel)).dump() << std::endl;
    } else if (verb == "command") {
        words >> channel >> user >> name;
        std::cout << "commanded " << discord.command(channel, user, name, rest()) << std::endl;
    } else if (verb == "reconnect") {
        discord.ask_to_reconnect();
    } else if (verb == "close") {
        words >> name;
        discord.close_gateway(std::atoi(name.c_str()));
    } else if (verb == "drop") {
        discord.cut_all();
    } else if (verb == "counts") {
        std::cout << "counts "
                  << Json{{"identifies", discord.identifies()},
                          {"resumes", discord.resumes()},
                          {"connections", discord.gateway_connections()},
                          {"limited", discord.limited()}}
                         .dump()
                  << std::endl;
    }
}

}  // namespace

int main(int count, char** arguments) {
    DiscordDouble::Options options;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string name = arguments[i];
        if (name == "--port") options.port = static_cast<uint16_t>(std::atoi(arguments[i + 1]));
        if (name == "--heartbeat-ms") options.heartbeat_ms = std::atoi(arguments[i + 1]);
    }
    DiscordDouble discord(options);
    std::cout << discord.api_url() << "\n" << discord.certificate_file() << std::endl;
    for (std::string line; std::getline(std::cin, line);) obey(discord, line);
}
