// Asio, compiled once for all of mas.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
