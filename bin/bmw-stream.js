#!/usr/bin/env node
'use strict';
require('../dist/bmw-stream.cjs');
