#include "tests/support/http_get.h"

#include <cstdlib>

#include "tests/support/tcp_socket.h"

namespace {

std::string without_chunks(const std::string& bytes) {
    std::string body;
    size_t place = 0;
    for (;;) {
        const size_t line = bytes.find("\r\n", place);
        if (line == std::string::npos) return body;
        const size_t size = std::strtoul(bytes.c_str() + place, nullptr, 16);
        if (size == 0) return body;
        body += bytes.substr(line + 2, size);
        place = line + 2 + size + 2;
    }
}

}  // namespace

HttpAnswer http_request(uint16_t port, const std::string& method, const std::string& path,
                        const std::string& headers, const std::string& body,
                        std::chrono::milliseconds limit) {
    const Deadline deadline(limit);
    HttpAnswer answer;
    TcpSocket socket = TcpSocket::connect(port, deadline);
    if (!socket.is_open()) return answer;
    socket.send(method + " " + path + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
                "\r\nConnection: close\r\n" + headers + "\r\n" + body);
    std::string bytes;
    while (auto part = socket.receive(deadline)) {
        if (part->empty()) break;
        bytes += *part;
    }
    const size_t end = bytes.find("\r\n\r\n");
    if (bytes.compare(0, 5, "HTTP/") != 0 || end == std::string::npos) return answer;
    answer.status = std::atoi(bytes.c_str() + bytes.find(' ') + 1);
    answer.headers = bytes.substr(0, end);
    answer.body = bytes.substr(end + 4);
    if (answer.headers.find("Transfer-Encoding: chunked") != std::string::npos)
        answer.body = without_chunks(answer.body);
    return answer;
}

HttpAnswer http_post(uint16_t port, const std::string& path, const std::string& body,
                     const std::string& bearer, const std::string& headers) {
    const std::string credential = bearer.empty() ? "" : "Authorization: Bearer " + bearer + "\r\n";
    return http_request(port, "POST", path,
                        credential + headers +
                            "Content-Type: application/json\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n",
                        body);
}

HttpAnswer http_get(uint16_t port, const std::string& path, const std::string& headers,
                    const std::string& method, std::chrono::milliseconds limit) {
    return http_request(port, method, path, headers, "", limit);
}
