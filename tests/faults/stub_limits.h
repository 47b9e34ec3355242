// Commands of the scripted worker that are about limits.
#pragma once

#include <sstream>
#include <string>

// False: it is none of these. `note` leaves a line for the test.
bool obey_about_limits(const std::string& word, std::istringstream& words,
                       void (*note)(const std::string&));
