#!/bin/sh
# Counts what was pulled.
