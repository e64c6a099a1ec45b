#!/usr/bin/env node
'use strict';
require('../dist/normalize.cjs');
