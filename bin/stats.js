#!/usr/bin/env node
'use strict';
require('../dist/stats.cjs');
