#!/usr/bin/env node
'use strict';
require('../dist/abrp-push.cjs');
