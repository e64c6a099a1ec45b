#!/usr/bin/env node
'use strict';
require('../dist/simulate.cjs');
