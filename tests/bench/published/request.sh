#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Restates request.sh of the OKG hot update manual.
while true; do
	response=$(curl -s -w "%{http_code}" http://localhost:3000/reload)
	if [[ $response -eq 200 ]]; then
		echo "Server reloaded successfully!"
		break
	else
		echo "Server reload failed, response code: $response"
	fi
	sleep 1
done
