#!/bin/sh
# As AWS's image has it: the handler is the one argument.
export _HANDLER="${1:?the name of the handler}"
exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
