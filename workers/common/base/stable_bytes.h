// A message as bytes that are the same whenever its content is: the plain form writes the entries
// of a map in another order each time.
#pragma once

#include <google/protobuf/message_lite.h>

#include <string>

std::string stable_bytes(const google::protobuf::MessageLite& message);
