#!/usr/bin/env node
'use strict';
require('../dist/bmw-poll.cjs');
