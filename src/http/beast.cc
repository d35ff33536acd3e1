// Beast, compiled once for all of mas.
#include <boost/beast/src.hpp>
